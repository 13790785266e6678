"""Queries over a lake in a storage account (Azurite): the same answers as over the same lake in a folder, and clear ends
when the account does not give what its listing promised."""
import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from azurite import Azurite, CloudWeir  # noqa: E402
from harness import Emulator, Weir, generate  # noqa: E402
from proxy import Answer, Pass, Proxy  # noqa: E402

TABLE = "CommonSecurityLog"
ROWS = 1000
RANGE = ["--end-date", "2021-11-07"]
QUERIES = [
    f"{TABLE} | count",
    f"{TABLE} | summarize n = count() by DeviceVendor, DeviceAction | sort by DeviceVendor asc, DeviceAction asc",
    f"{TABLE} | sort by TimeGenerated asc, _ItemId asc | project TimeGenerated, _ItemId, Message",
    f"{TABLE} | where TimeGenerated > datetime(2021-11-07 13:00) | summarize dcount(SourceIP), max(TimeGenerated)",
    # Several readings of one table at once.
    f"union {TABLE}, {TABLE}, ({TABLE} | where DestinationPort == 443) | summarize count() by DestinationPort "
    "| sort by DestinationPort asc",
    f"{TABLE} | summarize a = count() by SourceIP | join kind=inner ({TABLE} | summarize b = count() by SourceIP) on SourceIP "
    f"| join kind=leftouter ({TABLE} | summarize c = max(ReceivedBytes) by SourceIP) on SourceIP "
    "| summarize sum(a), sum(b), sum(c)",
]
HELD = 20.0  # seconds that a request is kept waiting, where nobody is to wait for it


def is_row(request):
    """A GET of a blob of rows, not of the ledger."""
    return request.kind == "get" and request.blob.endswith(".json") and request.container.startswith("am-")


class Remote(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        emulator = cls.enterClassContext(Emulator(generate(TABLE, rows=ROWS, days=1), "--rate", 0, "--at-once", 0))
        cls.local = Weir(emulator)
        cls.local.ok("export", TABLE, *RANGE)
        cls.beside(cls.local.blobs(TABLE))
        azurite = cls.enterClassContext(Azurite())
        cls.upload(azurite)
        cls.proxy = cls.enterClassContext(Proxy(azurite))
        cls.weir = CloudWeir(emulator, azurite, address=cls.proxy.url)

    @classmethod
    def beside(cls, blobs):
        """The service's own blobs: rows that are there too, one of them twice, in every fifth partition; and one empty."""
        cls.doubled = 0
        for blob in blobs[::5]:
            lines = blob.read_bytes().splitlines(keepends=True)
            blob.with_name("PT05M.json").write_bytes(b"".join([*lines, lines[0]]))
            cls.doubled += len(lines) + 1
        blobs[1].with_name("PT05M.json").write_bytes(b"")

    @classmethod
    def upload(cls, azurite):
        service = azurite.service()
        for container in (path for path in cls.local.lake.iterdir() if path.is_dir()):
            client = service.create_container(container.name)
            for path in container.rglob("*"):
                if path.is_file() and "tmp" not in path.parts:
                    client.upload_blob(str(path.relative_to(container)), path.read_bytes())

    def setUp(self):
        self.proxy.rule = None
        self.proxy.forget()

    def test_answers_are_those_of_a_folder(self):
        for query in QUERIES:
            with self.subTest(query):
                local = self.local.ok("query", query, *RANGE, "--output", "json")
                remote = self.weir.ok("query", query, *RANGE, "--output", "json")
                self.assertEqual(remote.stdout, local.stdout)
                self.assertGreater(len(local.stdout), 10)
                self.assertEqual(remote.stderr, local.stderr)

    def test_what_stands_twice_is_read_once_and_said(self):
        done = self.weir.ok("query", f"{TABLE} | summarize n = count(), d = dcount(_ItemId)", *RANGE, "-o", "csv")
        self.assertIn(str(ROWS), done.stdout)
        self.assertIn(f"left out: {self.doubled:,} ", done.stderr)

    def test_each_blob_is_asked_for_once(self):
        self.weir.ok("query", f"{TABLE} | count", *RANGE)
        asked = [request.blob for request in self.proxy.requests if is_row(request)]
        self.assertEqual(len(asked), len(set(asked)))
        self.assertGreaterEqual(len(asked), len(self.local.blobs(TABLE)))

    def test_parquet_is_that_of_a_folder(self):
        query = ["query", f"{TABLE} | project TimeGenerated, _ItemId | sort by _ItemId asc", *RANGE, "-o", "parquet"]
        sizes = []
        for weir in self.local, self.weir:
            path = weir.folder / "rows.parquet"
            with open(path, "wb") as out:
                with weir.start(*query) as process:
                    out.write(process.stdout.buffer.read())
                    self.assertEqual(process.wait(), 0, process.stderr.read())
            sizes.append(path.stat().st_size)
        self.assertEqual(*sizes)

    def test_a_blob_that_is_gone_is_named(self):
        gone = str(self.local.blobs(TABLE)[40].relative_to(self.local.lake)).split("/", 1)[1]
        self.proxy.rule = lambda r: Answer(404, "BlobNotFound") if is_row(r) and r.blob == gone else None
        done = self.weir.run("query", f"{TABLE} | count", *RANGE)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(gone, done.stderr)

    def test_a_role_that_ends_in_the_middle_is_told_with_what_to_do(self):
        self.proxy.rule = lambda r: Answer(403, "AuthorizationPermissionMismatch") if is_row(r) else None
        done = self.weir.run("query", f"{TABLE} | count", *RANGE)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("AuthorizationPermissionMismatch", done.stderr)
        self.assertIn("hint", done.stderr)

    def test_a_store_that_is_busy_is_waited_for(self):
        once = set()

        def busy(request):
            if not is_row(request) or request.blob in once or len(once) == 3:
                return None
            once.add(request.blob)
            return Answer(503, "ServerBusy")

        self.proxy.rule = busy
        done = self.weir.ok("query", f"{TABLE} | count", *RANGE, "-o", "csv")
        self.assertIn(str(ROWS), done.stdout)

    def test_an_interruption_ends_it_though_the_store_is_silent(self):
        self.proxy.rule = lambda r: Pass(wait=HELD) if is_row(r) else None
        process = self.weir.start("query", f"union {TABLE}, {TABLE} | count", *RANGE)
        while not any(map(is_row, list(self.proxy.requests))):
            self.assertIsNone(process.poll(), "it ended before it was interrupted")
            time.sleep(0.01)  # a request is waited for, not a guess made
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=HELD)
        self.assertEqual(process.returncode, 130, said)
        self.assertLess(time.monotonic() - begun, HELD)

    def test_the_first_rows_end_it(self):
        done = self.weir.ok("query", f"{TABLE} | take 5 | project _ItemId", *RANGE, "-o", "csv")
        self.assertEqual(len(done.stdout.splitlines()), 6)


if __name__ == "__main__":
    unittest.main()

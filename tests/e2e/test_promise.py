"""What "verified" means: bursts, late rows, what an identity may see, what ages out, and tables read by the pass."""
import json
import unittest

from harness import Emulator, Folder, Weir, digest, generate, source

RANGE = ["--end-date", "2021-11-07", "--lookback-days", "3"]


def write_table(name, lines):
    folder = Folder().path
    with open(folder / f"{name}.jsonl", "w") as out:
        for line in lines:
            out.write(json.dumps(line) + "\n")
    return folder


def run_again(weir, emulator):
    """The same user and lake, with the workspace as another emulator has it."""
    weir.ok("init", "--from-emulator", emulator.ready, "--lake", weir.lake, "--force")


class Bursts(unittest.TestCase):
    """700,000 rows in one tick, under the service's own ceilings."""

    TICK = "2021-11-07T03:04:05.1234567Z"

    def test_rows_with_ids(self):
        data = write_table("Burst_CL", ({"TimeGenerated": self.TICK, "N_d": i, "Text_s": f"row {i}"}
                                        for i in range(700_000)))
        weir = Weir(self.enterContext(Emulator(data)))
        done = weir.ok("export", "Burst_CL", "--end-date", "2021-11-07")
        self.assertIn("700,000 rows, counts and sums equal", done.stderr)
        (blob,) = weir.blobs("Burst_CL")
        self.assertEqual(len({line.rsplit(b'"_ItemId"', 1)[1] for line in blob.read_bytes().splitlines()}), 700_000)

    def test_equal_rows_of_a_query(self):
        """690,000 rows equal in every column, which no hash tells apart, among others that differ."""
        data = write_table("Equal_CL", ({"TimeGenerated": self.TICK, "N_d": max(0, i - 689_999)}
                                        for i in range(700_000)))
        weir = Weir(self.enterContext(Emulator(data)))
        done = weir.ok("export", "--query", "Equal_CL | project TimeGenerated, N_d", "--as", "Equal", "--end-date",
                       "2021-11-07")
        self.assertIn("700,000 rows, counts equal", done.stderr)
        (blob,) = weir.blobs("Equal")
        lines = blob.read_bytes().splitlines()
        self.assertEqual((len(lines), len(set(lines))), (700_000, 10_001))


class LateRows(unittest.TestCase):
    """The emulator makes some rows visible minutes after their stamp, and others have no stamp at all."""

    def test_the_next_run_fetches_what_came_late(self):
        data = generate("SecurityEvent", rows=20000)
        flags = ["--late", "0.2:40m"]
        early = Emulator(data, "--now", "2021-11-05T12:00:00Z", *flags)
        weir = Weir(early)
        first = weir.ok("export", "SecurityEvent", "--end", "2021-11-05T12:00:00Z", "--days", 1, "--settle", "0s")
        early.stop()
        begun = {row["_ItemId"] for row in weir.rows("SecurityEvent")}
        later = self.enterContext(Emulator(data, "--now", "2021-11-09T00:00:00Z", *flags))
        run_again(weir, later)
        self.assertEqual(weir.run("verify", "SecurityEvent").returncode, 3)
        second = weir.ok("export", "SecurityEvent", *RANGE)
        self.assertIn("came late", second.stderr)
        self.assertNotIn("came late", first.stderr)
        rows = [row["_ItemId"] for row in weir.rows("SecurityEvent")]
        self.assertEqual((len(rows), len(set(rows))), (20000, 20000))
        self.assertLess(begun, set(rows))
        weir.ok("verify", "SecurityEvent")
        other = Weir(later)
        other.ok("export", "SecurityEvent", *RANGE)
        self.assertEqual(digest(weir, "SecurityEvent"), digest(other, "SecurityEvent"))


class Access(unittest.TestCase):
    """A condition on a role filters rows and counts in silence."""

    CONDITION = "Syslog | where Computer startswith 'lnx-web'"

    def setUp(self):
        self.data = generate("Syslog", rows=6000)

    def restricted(self, emulator):
        return {"WEIR_CLIENT_ID": emulator.info["conditional_client_id"],
                "WEIR_CLIENT_SECRET": f"file:{emulator.info['conditional_client_secret_file']}"}

    def test_full_is_said_by_nothing(self):
        weir = Weir(self.enterContext(Emulator(self.data, "--condition", self.CONDITION)))
        done = weir.ok("export", "Syslog", *RANGE)
        self.assertNotIn("as seen by", done.stderr)
        self.assertEqual(len(list(weir.rows("Syslog"))), 6000)

    def test_role_assignments_tell(self):
        emulator = self.enterContext(Emulator(self.data, "--condition", self.CONDITION))
        weir = Weir(emulator)
        done = weir.ok("export", "Syslog", *RANGE, env=self.restricted(emulator))
        self.assertIn("complete as seen by", done.stderr.splitlines()[-1])
        self.assertLess(len(list(weir.rows("Syslog"))), 6000)

    def test_usage_tells_where_role_assignments_may_not_be_read(self):
        data = generate("Syslog", rows=40000)
        emulator = self.enterContext(Emulator(data, "--condition", self.CONDITION, "--no-arm"))
        weir = Weir(emulator)
        done = weir.ok("export", "Syslog", *RANGE, "-v", env=self.restricted(emulator))
        self.assertIn("complete as seen by", done.stderr.splitlines()[-1])
        self.assertIn("Usage", done.stderr)

    def test_unknown_where_nobody_tells(self):
        weir = Weir(self.enterContext(Emulator(self.data, "--no-arm", "--no-usage")))
        done = weir.ok("export", "Syslog", *RANGE)
        self.assertIn("complete as seen by", done.stderr.splitlines()[-1])
        (segment,) = list(weir.lake.glob("weir/*/syslog/ledger/*"))[-1:]
        self.assertEqual(json.loads(segment.read_text().splitlines()[0])["access"], "unknown")


class Ageing(unittest.TestCase):
    def test_what_aged_out_is_the_ledgers(self):
        data = generate("Syslog", rows=3000)
        flags = ["--retention", "Syslog=30d"]
        before = Emulator(data, "--now", "2021-11-12T00:00:00Z", *flags)
        weir = Weir(before)
        weir.ok("export", "Syslog", *RANGE)
        before.stop()
        whole = digest(weir, "Syslog")
        after = self.enterContext(Emulator(data, "--now", "2021-12-06T12:00:00Z", *flags))
        run_again(weir, after)
        weir.ok("verify", "Syslog")
        weir.ok("export", "Syslog", *RANGE, "--refresh")
        self.assertEqual(digest(weir, "Syslog"), whole)


class ReadByThePass(unittest.TestCase):
    """Basic and Auxiliary tables: their own endpoint, each reading billed."""

    def setUp(self):
        self.data = generate("Syslog", rows=8000)

    def test_one_pass_is_as_good_as_any(self):
        plain = Weir(self.enterContext(Emulator(self.data)))
        plain.ok("export", "Syslog", *RANGE)
        for plan in "Basic", "Auxiliary":
            with self.subTest(plan=plan):
                emulator = Emulator(self.data, "--plan", f"Syslog={plan}", "--max-rows", 3000)
                weir = Weir(emulator)
                weir.ok("export", "Syslog", *RANGE)
                self.assertEqual(digest(weir, "Syslog"), digest(plain, "Syslog"))
                self.assertEqual({line["proof"] for line in weir.ledger("Syslog").values() if "rows" in line},
                                 {"answer"})
                emulator.stop()

    def test_the_limit_of_cost_is_kept_before_a_byte_is_read(self):
        emulator = Emulator(self.data, "--plan", "Syslog=Basic")
        weir = Weir(emulator)
        done = weir.run("export", "Syslog", *RANGE, "--max-cost", "0.0000001")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(emulator.stop()["plans"]["Syslog"]["bytes"], 0)
        self.assertFalse(weir.blobs("Syslog"))

    def test_each_hour_is_billed_once(self):
        emulator = Emulator(self.data, "--plan", "Syslog=Basic")
        weir = Weir(emulator)
        weir.ok("export", "Syslog", *RANGE)
        usage = "Usage | where DataType == 'Syslog' | summarize MB = sum(Quantity)"
        (line,) = weir.ok("query", usage, "--engine", "workspace", "-o", "jsonl").stdout.splitlines()
        billed = emulator.stop()["plans"]["Syslog"]["bytes"]
        self.assertAlmostEqual(billed / 1e6, json.loads(line)["MB"], delta=0.001)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""History joined with live data: the lake has the blobs of the service's continuous export from some time on, with lines that
came twice and lines that never came, and weir brings what is missing there, and no more.

The truth is a plain export of the same workspace into another lake, and what the workspace itself answers.
"""
import collections
import json
import random
import re
import time
import unittest
import urllib.request

from azurite import Azurite, CloudWeir, md5s
from campaign import partition_name
from harness import Emulator, Folder, Weir, generate

TABLE = "CommonSecurityLog"
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "2"]
ALL = f"{TABLE} | summarize Rows = count() by _ItemId | summarize Ids = count(), Rows = sum(Rows), Most = max(Rows)"


def lines_of(weir):
    """The exported lines of a folder lake, by partition's folder."""
    return {str(blob.relative_to(weir.lake).parent): blob.read_bytes().splitlines(keepends=True)
            for blob in weir.blobs(TABLE)}


def item(line):
    return json.loads(line).get("_ItemId")


class Service:
    """What the continuous export wrote: of each partition from `start` on most lines, some twice, some into a sibling. In
    the first hour it lacks half of them."""

    def __init__(self, truth, start, seed, ids=True):
        chance = random.Random(seed)
        self.blobs, self.dropped, self.whole, self.doubled = {}, 0, 0, 0
        for folder, lines in truth.items():
            at = partition_name(folder + "/x")
            if at < start:
                continue
            share = 0.5 if at[:13] == start[:13] else 0.05
            kept = [line for line in lines if chance.random() >= share]
            again = [line for line in kept if chance.random() < 0.05]
            self.dropped += len(lines) - len(kept)
            self.whole += 0 if kept else len(lines)  # of partitions that it does not have at all
            self.doubled += len(again)
            chance.shuffle(kept)
            written = [line if ids else self.without_id(line) for line in kept + again]
            cut = chance.choice([len(written), len(written), len(written) // 2])
            for name, part in ((f"{folder}/PT05M.json", written[:cut]), (f"{folder}/PT05M_1.json", written[cut:])):
                if part:
                    self.blobs[name] = part

    @staticmethod
    def without_id(line):
        """As the service words the same row: keys in another order, numbers and times in another form."""
        row = json.loads(line)
        row.pop("_ItemId")
        row["TimeGenerated"] = row["TimeGenerated"].removesuffix("Z") + "Z"
        return json.dumps(dict(reversed(row.items()))).encode() + b"\r\n"


class Joined:
    """The tests, for a folder and for an account alike: make() gives a user, write() puts the service's blobs there."""

    SEED, ROWS = 11, 1500
    START = "2021-11-07T09:00:00Z"  # when the rule began

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.emulator = cls.enterClassContext(Emulator(generate(TABLE, rows=cls.ROWS, days=2), "--rate", 0, "--at-once", 0))
        cls.plain = Weir(cls.emulator)
        cls.plain.ok("export", TABLE, *RANGE)
        cls.truth = lines_of(cls.plain)
        cls.ids = {item(line) for lines in cls.truth.values() for line in lines}

    def lake(self, ids=True):
        weir = self.make()
        service = Service(self.truth, self.START, self.SEED, ids)
        self.assertTrue(service.dropped and service.doubled)
        for name, lines in service.blobs.items():
            self.write(weir, name, lines)
        return weir, service

    def query(self, weir, text, *words):
        done = weir.ok("query", text, *RANGE, "-o", "jsonl", *words)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_both_halves_are_one(self):
        weir, service = self.lake()
        done = weir.ok("export", TABLE, *RANGE, "--until-continuous")
        ours, theirs = self.read(weir, "PT05M_weir.json"), self.read(weir, "PT05M.json", "PT05M_1.json")
        self.assertEqual(collections.Counter(theirs), collections.Counter(l for p in service.blobs.values() for l in p))
        mine, live = [item(line) for line in ours], {item(line) for line in theirs}
        self.assertEqual(len(mine), len(set(mine)))
        self.assertEqual(set(mine) & live, set(), "weir wrote what was there")
        self.assertEqual(set(mine) | live, self.ids, "a gap")
        (row,), said = self.query(weir, ALL)
        self.assertEqual(row, {"Ids": self.ROWS, "Rows": self.ROWS, "Most": 1})
        self.assertIn(f"{service.doubled:,}", said, "how many doubles were dropped is said")
        self.assertIn(f"({service.doubled:,} lines more than once)", done.stderr)
        lacks = int(re.search(r"lacks ([\d,]+) in", done.stderr).group(1).replace(",", ""))
        self.assertTrue(service.dropped - service.whole <= lacks <= service.dropped, done.stderr)
        weir.ok("verify", TABLE, "--offline")
        weir.ok("verify", TABLE, *RANGE)

    def test_asked_again_it_writes_nothing(self):
        weir, _ = self.lake()
        weir.ok("export", TABLE, *RANGE, "--until-continuous")
        before = sorted(self.read(weir, "PT05M_weir.json"))
        weir.ok("export", TABLE, *RANGE, "--until-continuous")
        weir.ok("export", TABLE, *RANGE, "--until-continuous", "--refresh")
        self.assertEqual(sorted(self.read(weir, "PT05M_weir.json")), before)

    def test_rows_without_an_id_are_compared_whole(self):
        weir, service = self.lake(ids=False)
        weir.ok("export", TABLE, *RANGE, "--until-continuous")
        live = len(self.read(weir, "PT05M.json", "PT05M_1.json"))
        self.assertEqual(len(self.read(weir, "PT05M_weir.json")), self.ROWS - (live - service.doubled))

    def test_a_plain_export_names_the_two_ways_and_fetches_nothing(self):
        weir, _ = self.lake()
        done = weir.run("export", TABLE, *RANGE)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--until-continuous", done.stderr)
        self.assertIn("--beside", done.stderr)
        self.assertEqual(self.read(weir, "PT05M_weir.json"), [])

    def test_beside_writes_all_and_a_query_reads_each_record_once(self):
        weir, _ = self.lake()
        weir.ok("export", TABLE, *RANGE, "--beside")
        self.assertEqual(len(self.read(weir, "PT05M_weir.json")), self.ROWS)
        (row,), _ = self.query(weir, ALL)
        self.assertEqual(row, {"Ids": self.ROWS, "Rows": self.ROWS, "Most": 1})

    def test_before_the_service_began_no_option_is_needed(self):
        weir, _ = self.lake()
        weir.ok("export", TABLE, "--end-date", "2021-11-06")
        done = weir.run("export", TABLE, "--start", "2021-11-07", "--end", self.START)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_the_service_writes_later_is_no_double(self):
        """A partition that weir had filled gets its missing lines after all, hours later."""
        weir, service = self.lake()
        weir.ok("export", TABLE, *RANGE, "--until-continuous")
        there = {item(line) for lines in service.blobs.values() for line in lines}
        late = [(folder, [line for line in lines if item(line) not in there]) for folder, lines in self.truth.items()
                if partition_name(folder + "/x") >= self.START]
        folder, lines = next((f, l) for f, l in late if l)
        self.write(weir, f"{folder}/PT05M_9.json", lines)
        (row,), _ = self.query(weir, ALL)
        self.assertEqual(row, {"Ids": self.ROWS, "Rows": self.ROWS, "Most": 1})


class OnAFolder(Joined, unittest.TestCase):
    def make(self):
        return Weir(self.emulator)

    def write(self, weir, name, lines):
        path = weir.lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as out:
            out.writelines(lines)

    def read(self, weir, *names):
        return [line for name in names for path in weir.lake.glob(f"am-*/**/{name}")
                for line in path.read_bytes().splitlines(keepends=True)]


class OnAnAccount(Joined, unittest.TestCase):
    """Append blobs, a few lines at a time, as the service writes them."""

    ROWS, START = 700, "2021-11-07T18:00:00Z"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.azurite = cls.enterClassContext(Azurite(spare=8))

    def make(self):
        return CloudWeir(self.emulator, self.azurite.another())

    def write(self, weir, name, lines):
        container, blob = name.split("/", 1)
        service = weir.azurite.service()
        if container not in weir.azurite.containers():
            service.create_container(container)
        client = service.get_blob_client(container, blob)
        client.create_append_blob()
        for at in range(0, len(lines), 5):
            client.append_block(b"".join(lines[at:at + 5]))

    def read(self, weir, *names):
        return [line for name in names for path in weir.names(f"/{name}$")
                for line in weir.bytes_of(path).splitlines(keepends=True)]


class Rule(unittest.TestCase):
    """An export rule of the emulator, made while rows arrive: an hour a second, live half an hour later, some rows twice,
    some never, and some that come by the Logs Ingestion API."""

    BEGIN, END = "2021-11-07T12:00:00Z", "2021-11-08T02:00:00Z"
    BOTH = ["--start", "2021-11-06", "--end", "2021-11-08"]

    def setUp(self):
        self.folder = Folder().path
        self.lake, self.told = self.folder / "lake", self.folder / "truth.jsonl"
        self.emulator = self.enterContext(Emulator(
            generate(TABLE, rows=1200, days=2), "--rate", 0, "--at-once", 0, "--now", self.BEGIN, "--clock-speed", 3600,
            "--export-to", self.lake, "--export-double", 0.05, "--export-drop", 0.03, "--export-truth", self.told))
        self.weir = Weir(self.emulator)
        self.weir.lake = self.lake
        self.weir.ok("init", "--from-emulator", self.emulator.ready, "--lake", self.lake, "--force")

    def ask(self, method, url, body, audience):
        token = self.emulator.token(audience)["access_token"]
        request = urllib.request.Request(url, json.dumps(body).encode(), method=method, headers={
            "Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def make_rule(self):
        info = self.emulator.info
        account = "/subscriptions/0/resourceGroups/soc/providers/Microsoft.Storage/storageAccounts/weirtests"
        self.ask("PUT", f"{info['management']}{info['resource_id']}/dataExports/live?api-version=2020-08-01",
                 {"properties": {"destination": {"resourceId": account}, "tableNames": [TABLE], "enable": True}},
                 "https://management.azure.com")

    def send(self, n):
        info = self.emulator.info
        url = (f"{info['ingestion']}/dataCollectionRules/{info['ingestion_rule']}/streams/Microsoft-{TABLE}"
               "?api-version=2023-01-01")
        rows = [{"DeviceVendor": "arrived", "Message": f"row {i}"} for i in range(n)]
        self.ask("POST", url, rows, "https://monitor.azure.com")

    def now(self):
        words = ["query", "print Now = now()", "--engine", "workspace", "--days", 1, "-o", "jsonl"]
        (line,) = self.weir.ok(*words).stdout.splitlines()
        return json.loads(line)["Now"]

    def let_rows_arrive(self):
        self.make_rule()
        for _ in range(12):
            self.send(10)
            time.sleep(0.3)  # a quarter of an hour of its clock
        deadline = time.monotonic() + 90
        while self.now() < self.END:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)

    def truth(self):
        """Of each row that the service decided on: how many lines of it there are."""
        return {line["item"]: line for line in map(json.loads, self.told.read_text().splitlines()) if line["table"] == TABLE}

    def read(self, pattern):
        return [json.loads(line) for path in self.lake.glob(f"am-*/**/{pattern}")
                for line in path.read_bytes().splitlines()]

    def test_history_and_the_rule_s_export_are_one(self):
        self.let_rows_arrive()
        plain = Weir(self.emulator)
        plain.ok("export", TABLE, *self.BOTH, "--settle", "0s")
        rows = [row["_ItemId"] for row in plain.rows(TABLE)]
        refused = self.weir.run("export", TABLE, *self.BOTH)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("--until-continuous", refused.stderr)
        self.assertIn("--beside", refused.stderr)
        done = self.weir.ok("export", TABLE, "--days", 3, "--until-continuous", "--settle", "0s")
        self.assertIn("rule live", done.stderr)
        done = self.weir.ok("export", TABLE, *self.BOTH, "--until-continuous", "--settle", "0s")
        service, ours = self.read("PT05M.json"), self.read("PT05M_weir.json")
        truth = self.truth()
        self.assertTrue({0, 1, 2} <= {line["written"] for line in truth.values()}, "it played no doubles or drops")
        lines = collections.Counter(row["_ItemId"] for row in service)
        mine = collections.Counter(row["_ItemId"] for row in ours)
        self.assertTrue(any(n > 1 for n in lines.values()))
        self.assertEqual(set(mine.values()), {1})
        self.assertEqual(mine.keys() & lines.keys(), set(), "weir wrote what the service had")
        missing = set(rows) - (mine.keys() | lines.keys())
        self.assertEqual(missing, set(), "a gap")
        (row,) = [json.loads(line) for line in self.weir.ok("query", ALL, *self.BOTH, "-o", "jsonl").stdout.splitlines()]
        self.assertEqual(row, {"Ids": len(rows), "Rows": len(rows), "Most": 1})
        self.on_an_account(rows)

    def test_a_table_without_a_rule_stops_itself_alone(self):
        self.make_rule()
        done = self.weir.run("export", "Usage", TABLE, "--days", 1, "--until-continuous", "--settle", "0s")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("Usage", done.stderr)
        self.assertIn(f"{TABLE}: 288 partitions verified", done.stderr)
        self.assertTrue(self.weir.ledger(TABLE))

    def on_an_account(self, rows):
        """The service's blobs put into an account as append blobs: the same comes of it."""
        azurite = self.enterContext(Azurite())
        container = azurite.service().create_container(f"am-{TABLE.lower()}")
        for path in self.lake.glob("am-*/**/PT05M.json"):
            blob = container.get_blob_client(str(path.relative_to(self.lake)).split("/", 1)[1])
            blob.create_append_blob()
            blob.append_block(path.read_bytes())
        cloud = CloudWeir(self.emulator, azurite)
        cloud.ok("export", TABLE, *self.BOTH, "--until-continuous", "--settle", "0s")
        (row,) = [json.loads(line) for line in cloud.ok("query", ALL, *self.BOTH, "-o", "jsonl").stdout.splitlines()]
        self.assertEqual(row, {"Ids": len(rows), "Rows": len(rows), "Most": 1})
        self.assertEqual(cloud.md5s(TABLE), md5s(self.weir, TABLE))


if __name__ == "__main__":
    unittest.main(verbosity=2)

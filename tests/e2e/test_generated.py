"""The main job on generated tables: every value, every restart, every fault; the lake is the same to the byte."""
import json
import os
import signal
import subprocess
import time
import unittest
from collections import Counter

from harness import BIN, Emulator, Folder, Number, Weir, digest, generate, source, ticks

TABLES = ["CommonSecurityLog", "SigninLogs", "SecurityEvent", "Syslog", "DeviceNetworkEvents"]
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "3"]


def strict(value):
    """For comparing: numbers by their very text, objects whatever the order of keys."""
    if isinstance(value, dict):
        return ("object", tuple(sorted((k, strict(v)) for k, v in value.items())))
    if isinstance(value, list):
        return ("array", tuple(strict(v) for v in value))
    if isinstance(value, Number):
        return ("number", str(value))
    return (type(value).__name__, value)


def row_key(row, types):
    out = []
    for name, value in sorted(row.items()):
        if value is None or value == "" or name in ("_ItemId", "TenantId", "Type"):
            continue
        kind = types[name]
        if kind == "datetime":
            value = ticks(value)
        elif kind == "real" and isinstance(value, Number):
            value = float(value)
        out.append((name, strict(value)))
    return tuple(out)


class EveryValue(unittest.TestCase):
    def check(self, table, *flags):
        data = generate(table)
        emulator = self.enterContext(Emulator(data, *flags))
        weir = Weir(emulator)
        done = weir.ok("export", table, *RANGE)
        self.assertIn("verified", done.stderr)
        types = weir.schema(table)
        want = Counter(row_key(row, types) for row in source(data, table))
        rows = list(weir.rows(table))
        got = Counter(row_key(row, types) for row in rows)
        self.assertEqual(sum(got.values()), sum(want.values()))
        self.assertEqual(want - got, Counter())
        self.assertEqual(len({row["_ItemId"] for row in rows}), len(rows))
        weir.ok("verify", table)
        weir.ok("verify", table, "--offline")

    def test_the_services_limits(self):
        for table in TABLES:
            with self.subTest(table):
                self.check(table)

    def test_ceilings_that_cut_every_batch(self):
        self.check("CommonSecurityLog", "--max-rows", 150)
        self.check("SigninLogs", "--max-bytes", 200_000)
        self.check("Syslog", "--max-json", 100_000)

    def test_dynamic_values_sent_as_json(self):
        self.check("SigninLogs", "--native-dynamic")


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = "CommonSecurityLog"
        cls.data = generate(cls.table, rows=12000)
        with Emulator(cls.data) as emulator:
            weir = Weir(emulator)
            weir.ok("export", cls.table, *RANGE)
            cls.undisturbed = digest(weir, cls.table)

    def same(self, weir):
        self.assertEqual(digest(weir, self.table), self.undisturbed)
        strays = [path for path in weir.lake.glob("am-*/**/*") if path.is_file() and path.name != "PT05M_weir.json"]
        self.assertEqual(strays, [])
        weir.ok("verify", self.table, "--offline")

    def test_again_it_fetches_nothing(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        weir.ok("export", self.table, *RANGE)
        before = {blob: blob.stat().st_mtime_ns for blob in weir.blobs(self.table)}
        done = weir.ok("export", self.table, *RANGE)
        self.assertIn("nothing is left to fetch", done.stderr)
        self.assertEqual(before, {blob: blob.stat().st_mtime_ns for blob in weir.blobs(self.table)})
        self.same(weir)

    def test_three_following_days_double_and_miss_nothing(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        for end in ("2021-11-06", "2021-11-07", "2021-11-08"):
            weir.ok("export", self.table, "--end", end, "--days", "30")
        self.same(weir)

    def test_refresh_replaces_what_is_there(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        weir.ok("export", self.table, *RANGE)
        victim = weir.blobs(self.table)[3]
        victim.write_bytes(b"{}\n")
        bad = weir.run("verify", self.table, "--offline")
        self.assertEqual(bad.returncode, 3, bad.stderr)
        weir.ok("export", self.table, *RANGE, "--refresh")
        self.same(weir)

    def test_blobs_that_are_gone_are_fetched_again(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        weir.ok("export", self.table, *RANGE)
        gone, cut, *_ = weir.blobs(self.table)
        gone.unlink()
        cut.write_bytes(b"")
        self.assertEqual(weir.run("verify", self.table, "--offline").returncode, 3)
        weir.ok("export", self.table, *RANGE)
        self.same(weir)

    def test_what_the_workspace_no_longer_has_stays_in_the_lake(self):
        weir = Weir(self.enterContext(Emulator(self.data)))
        weir.ok("export", self.table, *RANGE)
        less = Folder().path
        lines = (self.data / f"{self.table}.jsonl").read_bytes().splitlines(keepends=True)
        (less / f"{self.table}.jsonl").write_bytes(b"".join(lines[len(lines) // 2:]))
        aged = self.enterContext(Emulator(less))
        weir.ok("init", "--from-emulator", aged.ready, "--lake", weir.lake, "--force")
        done = weir.ok("export", self.table, *RANGE, "--refresh")
        self.assertIn("no longer has; they are kept", done.stderr)
        self.same(weir)

    def test_small_batches_of_the_users(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        weir.ok("export", self.table, *RANGE, "--batch-rows", "500", "--batch-span", "2h", "--max-queries", "2",
                "--memory", "1MB")
        self.same(weir)

    def interrupt(self, how, status):
        emulator = self.enterContext(Emulator(self.data, "--latency", "50ms", "--max-rows", 300))
        weir = Weir(emulator)
        process = weir.start("export", self.table, *RANGE, "--batch-rows", "250")
        deadline = time.monotonic() + 60
        while not weir.blobs(self.table) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, said)
        self.assertLess(len(weir.blobs(self.table)), len(self.undisturbed))
        weir.ok("export", self.table, *RANGE)
        self.same(weir)

    def test_interrupted_it_resumes(self):
        self.interrupt(signal.SIGINT, 130)
        self.interrupt(signal.SIGTERM, 143)

    def test_killed_it_resumes(self):
        self.interrupt(signal.SIGKILL, -signal.SIGKILL)

    def test_faults_change_nothing(self):
        for seed in (1, 2):
            with self.subTest(seed=seed):
                emulator = Emulator(self.data, "--seed", seed, "--fault",
                                    "429:0.1,503:0.1,partial:0.1,cut:0.1,length:0.05,token:0.05",
                                    "--retry-after", "0", "--max-rows", 1000)
                with emulator:
                    weir = Weir(emulator)
                    weir.ok("export", self.table, *RANGE, "--batch-rows", "700")
                    self.same(weir)

    def test_a_query_is_exported_under_its_name(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        query = "CommonSecurityLog | where DestinationPort == 443 | project TimeGenerated, SourceIP, Port = DestinationPort"
        weir.ok("export", "--query", query, "--as", "Web", *RANGE)
        want = sum(1 for row in source(self.data, self.table) if row.get("DestinationPort") == Number("443"))
        rows = list(weir.rows("Web"))
        self.assertEqual(len(rows), want)
        self.assertTrue(all(row["Port"] == Number("443") for row in rows))

    def test_one_batch_asks_for_a_query_whole(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        query = "CommonSecurityLog | summarize Events = count() by TimeGenerated = bin(TimeGenerated, 1h)"
        refused = weir.run("export", "--query", query, "--as", "Hourly", *RANGE)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("summarize", refused.stderr)
        weir.ok("export", "--query", query, "--as", "Hourly", "--one-batch", *RANGE)
        total = sum(int(row["Events"]) for row in weir.rows("Hourly"))
        self.assertEqual(total, 12000)


class Lake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = "CommonSecurityLog"
        cls.data = generate(cls.table, rows=6000)
        cls.emulator = Emulator(cls.data)
        cls.weir = Weir(cls.emulator)
        cls.weir.ok("export", cls.table, *RANGE)
        cls.rows = source(cls.data, cls.table)

    @classmethod
    def tearDownClass(cls):
        cls.emulator.stop()

    def test_lake_and_workspace_give_the_same_answers(self):
        queries = [
            "CommonSecurityLog | count",
            "CommonSecurityLog | summarize n = count(), bytes = sum(SentBytes) by DeviceVendor | sort by n desc, DeviceVendor asc",
            "CommonSecurityLog | where Message has 'denied' or isempty(SourceIP) | summarize count() by bin(TimeGenerated, 1h) | sort by TimeGenerated asc",
            "CommonSecurityLog | top 20 by TimeGenerated asc, _ItemId asc | project TimeGenerated, SourceIP, DestinationPort, SentBytes, Message",
            "CommonSecurityLog | summarize dcount(SourceIP), min(TimeGenerated), max(TimeGenerated), percentile(SentBytes, 50)",
        ]
        for query in queries:
            with self.subTest(query):
                lake = self.weir.json("query", query, *RANGE)
                workspace = self.weir.json("query", query, *RANGE, "--engine", "workspace")
                self.assertEqual(lake, workspace)
                self.assertTrue(lake)

    def test_counts_are_those_of_the_source(self):
        (row,) = self.weir.json("query", "CommonSecurityLog | count", *RANGE)
        self.assertEqual(row, {"Count": len(self.rows)})

    def beside(self, name, blob, rows):
        """A blob of the service's own export, for the time of one test."""
        path = blob.with_name(name)
        path.write_bytes(rows)
        self.addCleanup(path.unlink)

    def counted(self):
        done = self.weir.ok("query", "CommonSecurityLog | count", "--output", "json")
        return json.loads(done.stdout)[0]["Count"], done.stderr

    def test_the_services_own_blob_of_a_verified_partition_doubles_nothing(self):
        count, said = self.counted()
        self.assertNotIn("left out", said)
        doubled = 0
        for blob in self.weir.blobs(self.table)[:2]:
            self.beside("PT05M.json", blob, blob.read_bytes())
            doubled += blob.read_bytes().count(b"\n")
        whole = next(b for b in self.weir.blobs(self.table) if b.parent.name == "m=00")
        self.beside("PT1H.json", whole, whole.read_bytes())
        doubled += whole.read_bytes().count(b"\n")
        again, said = self.counted()
        self.assertEqual(again, count)
        self.assertIn(f"lines that stand twice in the lake, left out: {doubled:,}", said)
        self.weir.ok("query", "CommonSecurityLog | count", *RANGE, "--require-coverage")

    def test_the_services_own_blob_is_read_where_ours_is_not(self):
        count, _ = self.counted()
        first = self.weir.blobs(self.table)[0]
        rows = first.read_bytes()
        self.beside("PT05M.json", first, rows)
        first.rename(first.with_name("aside"))
        self.addCleanup(first.with_name("aside").rename, first)
        again, said = self.counted()
        self.assertEqual(again, count)
        self.assertNotIn("left out", said)

    def test_an_hour_of_the_service_that_is_verified_in_part_is_joined_by_record(self):
        emulator = self.enterContext(Emulator(self.data))
        weir = Weir(emulator)
        weir.ok("export", self.table, "--start", "2021-11-07T03:00Z", "--end", "2021-11-07T03:30Z")
        blobs = weir.blobs(self.table)
        held = sum(blob.read_bytes().count(b"\n") for blob in blobs)
        rows = blobs[0].read_bytes()
        hour = blobs[0].parents[1] / "m=00" / "PT1H.json"
        hour.parent.mkdir(exist_ok=True)
        hour.write_bytes(rows)
        count = ["query", "CommonSecurityLog | count", "--output", "json"]
        done = weir.ok(*count)
        # What has no _ItemId cannot be told from rows of the partitions that are not verified.
        without = sum(b'"_ItemId"' not in line for line in rows.splitlines())
        self.assertEqual(json.loads(done.stdout), [{"Count": held + without}])

    def test_it_says_what_the_lake_holds(self):
        query = ["query", "CommonSecurityLog | count", "--end-date", "2021-11-07", "--lookback-days", "21"]
        done = self.weir.ok(*query)
        self.assertIn("the lake holds 3 of 21 days", done.stderr)
        done = self.weir.ok(*query, "--log-format", "json")
        coverage = [json.loads(line) for line in done.stderr.splitlines() if "coverage" in line]
        self.assertEqual(coverage[0]["partitions"], 21 * 288)
        self.assertEqual(coverage[0]["held"], 3 * 288)
        refused = self.weir.run(*query, "--require-coverage")
        self.assertEqual(refused.returncode, 3)
        self.assertEqual(refused.stdout, "")
        self.weir.ok("query", "CommonSecurityLog | count", *RANGE, "--require-coverage")

    def test_the_querys_own_range_counts(self):
        query = ("CommonSecurityLog | where TimeGenerated >= datetime(2021-11-06) and TimeGenerated < "
                 "datetime(2021-11-07) | count")
        done = self.weir.ok("query", query, "--output", "json")
        self.assertIn("the lake holds 1 of 1 day", done.stderr)
        want = sum(1 for row in self.rows if ticks("2021-11-06") <= ticks(row["TimeGenerated"]) < ticks("2021-11-07"))
        self.assertEqual(json.loads(done.stdout), [{"Count": want}])

    def test_a_range_that_the_lake_lacks_has_no_rows(self):
        done = self.weir.ok("query", "CommonSecurityLog | count", "--end-date", "2001-01-01", "--output", "json")
        self.assertIn("the lake holds 0 of 1 day", done.stderr)
        self.assertEqual(json.loads(done.stdout), [{"Count": 0}])

    def parquet(self, query, *words, **more):
        """Rows of a query as a file of Parquet; its status, errors, and what is left in the temporary folder."""
        folder = Folder().path
        target = folder / "rows.parquet"
        scratch = folder / "scratch"
        scratch.mkdir()
        with open(target, "wb") as out:
            done = subprocess.run([BIN / "weir", "query", query, *RANGE, "--output", "parquet", *words],
                                  cwd=self.weir.folder, stdout=out, stderr=subprocess.PIPE, text=True, timeout=600,
                                  env={**os.environ, "TMPDIR": str(scratch)}, **more)
        self.assertEqual(list(scratch.iterdir()), [])
        return done, target

    def test_parquet_comes_whole(self):
        query = ("CommonSecurityLog | project TimeGenerated, SourceIP, SentBytes, ['odd name'] = Message, "
                 "Span = TimeGenerated - datetime(2021-11-05) | sort by TimeGenerated asc, SourceIP asc")
        done, target = self.parquet(query)
        self.assertEqual(done.returncode, 0, done.stderr)
        data = target.read_bytes()
        self.assertEqual((data[:4], data[-4:]), (b"PAR1", b"PAR1"))
        self.assertEqual(int.from_bytes(data[-8:-4], "little") < len(data), True)
        self.assertIn(b"odd name", data)
        try:
            import duckdb
        except ImportError:
            return
        got = duckdb.sql(f"SELECT epoch_ns(TimeGenerated) // 100, SourceIP, SentBytes, \"odd name\", Span FROM '{target}'")
        epoch, begin = ticks("1970-01-01"), ticks("2021-11-05")
        want = sorted((ticks(row["TimeGenerated"]) - epoch, row.get("SourceIP") or "",
                       int(row["SentBytes"]) if row.get("SentBytes") is not None else None, row.get("Message") or "",
                       ticks(row["TimeGenerated"]) - begin) for row in self.rows)
        self.assertEqual(sorted(got.fetchall()), want)

    def test_parquet_goes_through_a_pipe(self):
        done = subprocess.run([BIN / "weir", "query", "CommonSecurityLog | count", *RANGE, "--output", "parquet"],
                              cwd=self.weir.folder, capture_output=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((done.stdout[:4], done.stdout[-4:]), (b"PAR1", b"PAR1"))

    def test_parquet_that_fails_leaves_nothing(self):
        done, target = self.parquet("CommonSecurityLog | extend Old = iff(DestinationPort == 443, datetime(1600-01-01), "
                                    "TimeGenerated)")
        self.assertEqual(done.returncode, 1)
        self.assertIn("'Old'", done.stderr)
        self.assertIn("jsonl", done.stderr)
        self.assertEqual(target.stat().st_size, 0)
        done, target = self.parquet("CommonSecurityLog | count", "--engine", "workspace")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--engine workspace", done.stderr)
        self.assertEqual(target.stat().st_size, 0)

    def test_parquet_does_not_fit_on_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BIN / "weir", "query", "CommonSecurityLog", *RANGE, "--output", "parquet"],
                                  cwd=self.weir.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=600)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_parquet_is_not_for_terminals(self):
        leader, terminal = os.openpty()
        try:
            done = subprocess.run([BIN / "weir", "query", "CommonSecurityLog | count", *RANGE, "--output", "parquet"],
                                  cwd=self.weir.folder, stdout=terminal, stderr=subprocess.PIPE, text=True, timeout=600)
        finally:
            os.close(terminal)
            os.close(leader)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--output parquet needs a file or a pipe: weir query ... > rows.parquet", done.stderr)

    def test_parquet_is_for_query_alone(self):
        for words in (["tables"], ["lake", "ls"], ["lake", "stat", self.table], ["estimate", self.table, *RANGE],
                      ["preview", self.table, *RANGE], ["verify", self.table]):
            with self.subTest(words[0]):
                done = self.weir.run(*words, "--output", "parquet")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("--output parquet is for weir query", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_an_interrupted_query_ends_soon_and_leaves_nothing(self):
        for form in ("parquet", "jsonl"):
            with self.subTest(form):
                folder = Folder().path
                # 6,000 rows with themselves, three times over: hours of work if nothing ends it
                query = "; ".join(["let a = CommonSecurityLog | extend k = 1 | project k, m = strlen(Message)",
                                   "a | join kind=inner a on k | join kind=inner a on k | summarize max(m + m1 + m2)"])
                process = subprocess.Popen([BIN / "weir", "query", query, *RANGE, "--output", form],
                                           cwd=self.weir.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           env={**os.environ, "TMPDIR": str(folder)})
                line = process.stderr.readline()  # the coverage, said before the engine begins
                self.assertIn(b"the lake holds", line)
                process.send_signal(signal.SIGINT)
                out, said = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130, said)
                self.assertEqual(out, b"")
                self.assertEqual(list(folder.iterdir()), [])

    def test_verify_counts_what_the_ledger_lacks_of_a_range(self):
        for engine in (["--offline"], []):
            for words, said in ((["--start", "2020-01-01", "--end", "2020-01-03"], "576 of 576 partitions"),
                                (["--end-date", "2021-11-07", "--lookback-days", "4"], "288 of 1,152 partitions")):
                with self.subTest(engine=engine, words=words):
                    done = self.weir.run("verify", self.table, *engine, *words)
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertIn(said + " of the range are not in the ledger", done.stderr)
            self.weir.ok("verify", self.table, *engine, *RANGE)
            self.weir.ok("verify", self.table, *engine)

    def test_the_end_of_a_range_is_not_in_it(self):
        end = ticks("2021-11-06T12:00:00Z")
        want = sum(1 for row in self.rows if end - 6 * 3600 * 10_000_000 <= ticks(row["TimeGenerated"]) < end)
        for engine in ("duckdb", "workspace"):
            (row,) = self.weir.json("query", "CommonSecurityLog | count", "--start", "2021-11-06T06:00:00Z", "--end",
                                    "2021-11-06T12:00:00Z", "--engine", engine)
            self.assertEqual(row["Count"], want)

    def test_names_have_their_case(self):
        refused = self.weir.run("query", "commonsecuritylog | count")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("did you mean 'CommonSecurityLog'?", refused.stderr)

    def test_what_the_lake_cannot_know_is_refused(self):
        refused = self.weir.run("query", "CommonSecurityLog | where ingestion_time() > ago(1d)")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("ingestion_time()", refused.stderr)

    def test_a_reader_that_leaves_is_no_error(self):
        done = subprocess.run(f"{BIN}/weir query CommonSecurityLog -o jsonl -q | head -n 1", shell=True, text=True,
                              cwd=self.weir.folder, capture_output=True, timeout=60)
        self.assertEqual(done.stderr, "")
        self.assertIn("CommonSecurityLog", done.stdout)

    def test_lake_ls_and_stat_tell_what_is_there(self):
        tables = self.weir.json("lake", "ls")
        (one,) = [table for table in tables if table["table"] == self.table]
        self.assertEqual(one["blobs"], len(self.weir.blobs(self.table)))
        self.assertEqual(one["bytes"], sum(blob.stat().st_size for blob in self.weir.blobs(self.table)))
        stat = json.loads(self.weir.ok("lake", "stat", self.table, "--output", "json").stdout)
        self.assertEqual(stat["rows"], len(self.rows))
        self.assertEqual(stat["verified"], 3 * 288)

    def test_estimate_counts_what_export_writes(self):
        days = self.weir.json("estimate", self.table, *RANGE)
        total = days[-1]
        self.assertEqual(total["day"], "total")
        self.assertEqual(total["rows"], len(self.rows))
        self.assertEqual(total["partitions"], len(self.weir.blobs(self.table)))
        written = sum(blob.stat().st_size for blob in self.weir.blobs(self.table))
        self.assertAlmostEqual(total["json_bytes"] / written, 1, delta=0.1)

    def test_tables_and_preview(self):
        (one,) = [t for t in self.weir.json("tables") if t["table"] == self.table]
        self.assertEqual(ticks(one["oldest"]), min(ticks(row["TimeGenerated"]) for row in self.rows))
        first = self.weir.json("preview", self.table, *RANGE, "-n", "3")
        self.assertEqual(len(first), 3)
        self.assertEqual(ticks(first[0]["TimeGenerated"]), min(ticks(row["TimeGenerated"]) for row in self.rows))


if __name__ == "__main__":
    unittest.main(verbosity=2)

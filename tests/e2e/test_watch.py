"""Exports watched by their owners: several tables at once, repairs, and what report, metrics and log say of them."""
import csv
import io
import json
import os
import re
import shutil
import signal
import stat
import threading
import time
import unittest
from pathlib import Path

from harness import Canned, Emulator, Weir, digest, generate

RANGE = ["--end-date", "2021-11-07", "--lookback-days", "2"]
RESOURCE = "/subscriptions/0e9f6c3a-41d7-4b0c-a7c2-93d15b2f6a88/resourceGroups/r/providers/Microsoft.OperationalInsights/workspaces/w"
TABLES = ["Syslog", "SecurityEvent"]
VERDICTS = {"ok", "missing", "changed", "grew", "aged out", "purged"}
SLOW = ["--latency", "300ms", "--bandwidth", "200kB"]  # an export that takes some seconds


def data():
    """Two tables and one without a time."""
    folder = generate(TABLES[0], rows=1500, days=2)
    for table in TABLES[1:]:
        shutil.move(generate(table, rows=1500, days=2) / f"{table}.jsonl", folder)
    (folder / "NoTime_CL.jsonl").write_text('{"a_s":"x"}\n')
    return folder


def wait_for(what, seconds=60):
    """Looks again and again, until it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.01)  # a file is waited for, not a guess made
    raise AssertionError("it did not come")


def damage(weir, table):
    """One blob is gone, one is another, one has a byte changed: their partitions, as the report names them."""
    gone, short, changed, *_ = weir.blobs(table)[5:]
    names = [re.sub(r".*/y=(\d+)/m=(\d+)/d=(\d+)/h=(\d+)/m=(\d+)/.*", r"\1-\2-\3T\4:\5:00Z", str(blob))
             for blob in (gone, short, changed)]
    gone.unlink()
    short.write_bytes(b"{}\n")
    bytes_ = bytearray(changed.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    changed.write_bytes(bytes(bytes_))
    return names


class Watched(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = data()
        cls.emulator = Emulator(cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.emulator.stop()

    def setUp(self):
        self.weir = Weir(self.emulator)
        self.report_file, self.metrics_file = self.weir.folder / "report.json", self.weir.folder / "metrics.prom"

    def report(self):
        return json.loads(self.report_file.read_text())


class Many(Watched):
    def test_several_names_are_one_work(self):
        done = self.weir.ok("export", *TABLES, *RANGE, "--report", self.report_file)
        single = Weir(self.emulator)
        for table in TABLES:
            single.ok("export", table, *RANGE)
            self.assertEqual(digest(self.weir, table), digest(single, table))
        lines = done.stderr.splitlines()
        self.assertRegex(lines[0], r"^2 tables, 3,000 rows, .* as JSON, \S+ partitions, about .* To .*lake\.$")
        self.assertRegex(lines[-1], r"^2 of 2 tables verified: 1,152 partitions, 3,000 rows\. ")
        report = self.report()
        self.assertEqual([t["table"] for t in report["tables"]], TABLES)
        self.assertEqual(sum(t["rows"] for t in report["tables"]), 3000)
        self.assertEqual({t["verdict"] for t in report["tables"]}, {"verified"})

    def test_a_table_that_fails_does_not_stop_the_others(self):
        done = self.weir.run("export", "Sylog", "Syslog", "NoTime_CL", "SecurityEvent", *RANGE, "--report", self.report_file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"2 of 4 tables verified: .*\n  Sylog failed: .*\n  NoTime_CL failed: .*TimeGenerated\n$")
        report = self.report()
        self.assertEqual((report["verdict"], report["exit"]), ("failed", 1))
        self.assertEqual([t["verdict"] for t in report["tables"]], ["failed", "verified", "failed", "verified"])
        self.assertEqual(report["tables"][0]["error"]["code"], "NOT_FOUND")
        self.assertIn("Syslog", report["tables"][0]["error"]["hint"])
        self.assertTrue(self.weir.blobs("Syslog") and self.weir.blobs("SecurityEvent"))

    def test_one_whose_blobs_cannot_be_written_leaves_the_others_whole(self):
        """It fails with queries under way: the rest begins anew."""
        (self.weir.lake / "am-syslog").mkdir(parents=True)
        (self.weir.lake / "am-syslog" / "WorkspaceResourceId=").write_text("in the way")
        for tables in (TABLES, TABLES[::-1]):
            done = self.weir.run("export", *tables, *RANGE, "--refresh", "--batch-rows", 50, "--report", self.report_file)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("1 of 2 tables verified", done.stderr)
            verdicts = {table["table"]: table["verdict"] for table in self.report()["tables"]}
            self.assertEqual(verdicts, {"Syslog": "failed", "SecurityEvent": "verified"})
        self.weir.ok("verify", "SecurityEvent")

    def test_the_worst_status_is_that_of_all(self):
        """A blob with more rows than the workspace has, which no ledger vouches for, is left and listed."""
        self.weir.ok("export", "Syslog", *RANGE)
        shutil.rmtree(self.weir.lake / "weir")
        blob = self.weir.blobs("Syslog")[7]
        blob.write_bytes(blob.read_bytes() * 2)
        done = self.weir.run("export", *TABLES, *RANGE, "--report", self.report_file)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stderr, r"1 of 2 tables verified: .*\n  Syslog is incomplete: 1 of 576 partitions does not verify\n$")
        report = self.report()
        self.assertEqual((report["verdict"], report["exit"]), ("incomplete", 3))
        syslog, other = report["tables"]
        self.assertEqual((syslog["verdict"], syslog["failed_count"], syslog["verdicts"]["ok"]), ("incomplete", 1, 575))
        self.assertIn("the blob is left", syslog["failed"][0]["reasons"])
        self.assertEqual((other["verdict"], other["failed"]), ("verified", []))

    def test_a_file_or_standard_input_names_them(self):
        listed = "# what we keep\n\nSyslog   # of the routers\r\n  SecurityEvent\n"
        path = self.weir.folder / "tables.txt"
        path.write_text(listed)
        for words, given in ((["--many", path], None), (["--many", "-"], listed), (["Syslog", "--many", "-"], "SecurityEvent")):
            done = self.weir.ok("export", *words, *RANGE, input=given)
            self.assertIn("2 of 2 tables verified", done.stderr)

    def test_what_names_nothing_or_twice_is_refused_before_all(self):
        for words, given, says in ((["Syslog", "syslog"], None, "'syslog' is named twice"),
                                   (["Syslog", "--many", "-"], "#\nSyslog\n", "standard input line 2"),
                                   (["--many", "-"], "# none\n", "names no table"),
                                   (["--many", "-"], "Syslog SecurityEvent\n", "line 1: 'Syslog SecurityEvent'"),
                                   (["--many", "nowhere.txt"], None, "nowhere.txt"),
                                   (["Syslog", "../../evil"], None, "../../evil"),
                                   (["--many", "-", "--query", "Syslog", "--as", "X"], "Syslog", "--query"),
                                   (["Syslog", "--query", "Syslog", "--as", "X"], None, "either TABLE or --query")):
            with self.subTest(says):
                done = self.weir.run("export", *words, *RANGE, input=given)
                self.assertIn(done.returncode, (1, 2), done.stderr)
                self.assertIn(says, done.stderr)
                self.assertFalse(self.weir.lake.exists())


class Repair(Watched):
    def setUp(self):
        super().setUp()
        self.weir.ok("export", "Syslog", *RANGE)
        self.whole = digest(self.weir, "Syslog")

    def test_it_fetches_exactly_what_verify_names(self):
        names = damage(self.weir, "Syslog")
        before = {blob: blob.stat().st_mtime_ns for blob in self.weir.blobs("Syslog")}
        told = self.weir.run("verify", "Syslog", "-o", "json")
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertEqual([one["partition"] for one in json.loads(told.stdout)], names)
        self.assertEqual([one["verdict"] for one in json.loads(told.stdout)], ["missing", "changed", "changed"])
        self.weir.ok("export", "Syslog", "--repair", "--report", self.report_file)
        (table,) = self.report()["tables"]
        self.assertEqual((table["partitions"], table["fetched"], table["verdicts"]["ok"]), (3, 3, 3))
        self.assertEqual(digest(self.weir, "Syslog"), self.whole)
        touched = [blob for blob in self.weir.blobs("Syslog") if before.get(blob) != blob.stat().st_mtime_ns]
        self.assertEqual(len(touched), 3)
        self.weir.ok("verify", "Syslog")

    def test_a_whole_lake_needs_none(self):
        done = self.weir.ok("export", "--repair", "Syslog", "--report", self.report_file)
        self.assertEqual(done.stderr, "nothing to repair: 576 partitions of Syslog verify\n")
        self.assertEqual(self.report()["verdict"], "verified")

    def test_of_a_range_it_fetches_what_the_ledger_lacks(self):
        wider = ["--end-date", "2021-11-07", "--lookback-days", "3"]
        self.assertEqual(self.weir.run("verify", "Syslog", *wider).returncode, 3)
        self.weir.ok("export", "--repair", "Syslog", *wider, "--report", self.report_file)
        self.assertEqual(self.report()["tables"][0]["partitions"], 288)
        self.weir.ok("verify", "Syslog", *wider)

    def test_several_tables_are_mended_at_once(self):
        self.weir.ok("export", "SecurityEvent", *RANGE)
        damage(self.weir, "SecurityEvent")
        done = self.weir.ok("export", "--repair", *TABLES)
        self.assertIn("nothing to repair: 576 partitions of Syslog", done.stderr)
        self.assertIn("SecurityEvent: 3 partitions repaired and verified", done.stderr)
        self.weir.ok("verify", "SecurityEvent")

    def test_without_a_table_it_is_for_all_that_the_lake_has(self):
        self.weir.ok("export", "SecurityEvent", *RANGE)
        self.weir.ok("export", "--query", "Syslog | where Facility == 'auth'", "--as", "Made", *RANGE)
        damage(self.weir, "Syslog")
        damage(self.weir, "SecurityEvent")
        done = self.weir.ok("export", "--repair")
        self.assertIn("Made was made by a query, and is left out", done.stderr)
        self.assertIn("2 of 2 tables verified: 6 partitions", done.stderr)
        for table in TABLES:
            self.weir.ok("verify", table)
        self.assertEqual(Weir(self.emulator).run("export", "--repair").returncode, 1)

    def test_the_rows_of_a_query_are_mended_too(self):
        query = ["--query", "Syslog | project TimeGenerated, _ItemId, Facility", "--as", "Made"]
        self.weir.ok("export", *query, *RANGE)
        whole = digest(self.weir, "Made")
        damage(self.weir, "Made")
        self.assertIn("3 partitions repaired", self.weir.ok("export", "--repair", *query).stderr)
        self.assertEqual(digest(self.weir, "Made"), whole)

    def test_without_an_export_there_is_nothing_to_mend(self):
        done = self.weir.run("export", "--repair", "SecurityEvent")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing was exported", done.stderr)
        self.assertEqual(self.weir.run("export", "--repair", "--refresh", "Syslog").returncode, 2)

    def test_every_form_of_the_list_is_a_result(self):
        names = damage(self.weir, "Syslog")
        forms = {form: self.weir.run("verify", "Syslog", "--offline", "-o", form)
                 for form in ("json", "jsonl", "csv", "table")}
        self.assertEqual({done.returncode for done in forms.values()}, {3})
        self.assertEqual([json.loads(line)["partition"] for line in forms["jsonl"].stdout.splitlines()], names)
        rows = list(csv.DictReader(io.StringIO(forms["csv"].stdout)))
        self.assertEqual([row["partition"] for row in rows], names)
        self.assertEqual(rows[0]["rows"], "0")
        self.assertEqual(rows[1]["rows"], "", "nobody counted the rows of a blob of another size")
        self.assertEqual(len(forms["table"].stdout.splitlines()), 4)
        self.assertIn("573 ok, 1 missing, 2 changed", forms["table"].stderr)
        self.assertIn("3 of 576 partitions of Syslog do not verify", forms["table"].stderr.splitlines()[-1])

    def test_stat_as_csv(self):
        (row,) = csv.DictReader(io.StringIO(self.weir.ok("lake", "stat", "-o", "csv").stdout))
        flat = self.weir.json("lake", "stat", "Syslog")
        self.assertEqual((row["table"], int(row["rows"])), ("Syslog", flat["rows"]))
        self.assertEqual(int(row["export_blobs"]), flat["blobs"]["export"]["count"])
        self.assertEqual(int(row["access_full"]), flat["access"]["full"])


class Report(Watched):
    def test_it_tells_all_of_a_verified_export(self):
        self.weir.ok("export", "Syslog", *RANGE, "--report", self.report_file)
        report = self.report()
        self.assertEqual((report["format"], report["version"], report["command"], report["verdict"], report["exit"]),
                         ("weir report", 1, "export", "verified", 0))
        self.assertEqual(report["workspace"], self.emulator.info["workspace_id"])
        self.assertRegex(report["run"], r"^[0-9a-f-]{36}$")
        self.assertLess(report["begun"], report["ended"])
        (table,) = report["tables"]
        blobs = self.weir.blobs("Syslog")
        self.assertEqual((table["from"], table["to"]), ("2021-11-06T00:00:00Z", "2021-11-08T00:00:00Z"))
        self.assertEqual((table["rows"], table["rows_verified"], table["blobs"]), (1500, 1500, len(blobs)))
        self.assertEqual(table["bytes"], sum(blob.stat().st_size for blob in blobs))
        self.assertEqual((table["partitions"], table["fetched"], table["skipped"]), (576, 576, 0))
        self.assertEqual(set(table["verdicts"]), VERDICTS)
        self.assertEqual((table["access"], table["proof"]), ("full", "count+sum"))
        self.assertIn(self.emulator.info["client_id"], table["identity"])
        self.assertAlmostEqual(table["cost"]["writes"], len(blobs) / 10000 * 0.055, places=5)
        self.assertGreater(table["queries"], 2)
        heads = [json.loads(s.read_text().splitlines()[0]) for s in self.weir.lake.glob("weir/*/syslog/ledger/*")]
        self.assertEqual({head["run"] for head in heads}, {report["run"]})

    def test_no_secret_is_in_it_and_its_mode_is_the_umasks(self):
        secret = Path(self.emulator.info["client_secret_file"]).read_text().strip()
        mask = os.umask(0o022)
        try:
            self.weir.ok("export", "Syslog", *RANGE, "--report", self.report_file, "--metrics", self.metrics_file)
        finally:
            os.umask(mask)
        for path in (self.report_file, self.metrics_file):
            self.assertNotIn(secret, path.read_text())
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o644)

    def test_it_is_written_when_the_run_fails(self):
        for words, code, status in ((["Sylog", *RANGE], "NOT_FOUND", 1), (["Syslog"], "USAGE", 2),
                                    (["--query", "Syslog | summarize count()", "--as", "X", *RANGE], "KQL", 2)):
            with self.subTest(code):
                self.assertEqual(self.weir.run("export", *words, "--report", self.report_file).returncode, status)
                report = self.report()
                self.assertEqual((report["verdict"], report["exit"], report["error"]["code"]), ("failed", status, code))

    def test_standard_output_is_a_file_too(self):
        report = json.loads(self.weir.ok("export", "Syslog", *RANGE, "--report", "-").stdout)
        self.assertEqual(report["verdict"], "verified")
        damage(self.weir, "Syslog")
        done = self.weir.run("verify", "Syslog", "--report", "-")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(len(json.loads(done.stdout)["tables"][0]["failed"]), 3)

    def test_one_that_cannot_be_written_stops_the_run_before_it_begins(self):
        for option in ("--report", "--metrics"):
            done = self.weir.run("export", "Syslog", *RANGE, option, self.weir.folder / "nowhere" / "file")
            self.assertEqual(done.returncode, 1)
            self.assertIn(option, done.stderr)
            self.assertFalse(self.weir.blobs("Syslog"))

    def test_verify_tells_what_it_found(self):
        self.weir.ok("export", "Syslog", *RANGE)
        for offline in ([], ["--offline"]):
            self.weir.ok("verify", "Syslog", *offline, "--report", self.report_file)
            report = self.report()
            (table,) = report["tables"]
            self.assertEqual((report["command"], report["verdict"]), ("verify", "verified"))
            self.assertEqual((table["rows_verified"], table["verdicts"]["ok"], table["access"]), (1500, 576, "full"))
        names = damage(self.weir, "Syslog")
        self.assertEqual(self.weir.run("verify", "Syslog", "--report", self.report_file).returncode, 3)
        (table,) = self.report()["tables"]
        self.assertEqual(self.report()["verdict"], "incomplete")
        self.assertEqual((table["failed_count"], [one["partition"] for one in table["failed"]]), (3, names))
        self.assertEqual({key: n for key, n in table["verdicts"].items() if n}, {"ok": 573, "missing": 1, "changed": 2})

    def test_an_interrupted_run_says_so_and_a_killed_one_says_running(self):
        slow = self.enterContext(Emulator(self.data, *SLOW))
        for number, verdict in ((signal.SIGTERM, "interrupted"), (signal.SIGINT, "interrupted"), (signal.SIGKILL, "running")):
            weir = Weir(slow)
            path = weir.folder / "report.json"
            process = weir.start("export", *TABLES, *RANGE, "--report", path, "--batch-rows", 100)
            wait_for(lambda w=weir: list(w.lake.glob("weir/*/*/lock")))
            process.send_signal(number)
            process.communicate(timeout=60)
            report = json.loads(path.read_text())
            self.assertEqual(report["verdict"], verdict)
            if verdict == "interrupted":
                self.assertEqual((report["exit"], report["error"]["code"]), (128 + number, "INTERRUPTED"))
                self.assertEqual(process.returncode, 128 + number)


METRIC = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? '
                    r'(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def parse_metrics(text):
    """The text format 0.0.4, strictly: HELP and TYPE once, before their samples, which stand together."""
    assert text.endswith("\n") and "\r" not in text
    values, helped, types, current = {}, set(), {}, None
    for line in text.splitlines():
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            known = helped if word == "HELP" else types
            assert word in ("HELP", "TYPE") and name not in known and rest, line
            assert not any(key[0] == name for key in values), f"{line}: after its samples"
            if word == "HELP":
                helped.add(name)
            else:
                assert rest in ("counter", "gauge"), line
                types[name] = rest
            current = name
            continue
        found = METRIC.match(line)
        assert found, f"not a sample: {line}"
        name, labels, value = found.groups()
        assert name == current and name in types and name in helped, f"{line}: not behind its own TYPE"
        assert (types[name] == "counter") == name.endswith("_total"), f"{line}: a counter ends in _total"
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in values, f"{line}: twice"
        values[key] = float(value)
    return values


class Metrics(Watched):
    def values(self):
        return parse_metrics(self.metrics_file.read_text())

    def of(self, name, table=None, command="export", **labels):
        labels = {**({"table": table} if table else {}), **labels}
        return self.values()[(f"weir_{command}_{name}", tuple(sorted(labels.items())))]

    def test_an_export_in_figures(self):
        begun = time.time()
        self.weir.ok("export", *TABLES, *RANGE, "--metrics", self.metrics_file)
        for table in TABLES:
            self.assertEqual(self.of("rows_total", table), 1500)
            self.assertEqual(self.of("bytes_total", table), sum(b.stat().st_size for b in self.weir.blobs(table)))
            self.assertEqual(self.of("complete", table), 1)
            self.assertEqual(self.of("partitions", table, verdict="ok"), 576)
            self.assertEqual(self.of("partitions", table, verdict="aged out"), 0)
            self.assertTrue(begun - 1 < self.of("last_success_timestamp_seconds", table) < time.time() + 1)
            for name in ("late_rows", "throttled_total", "waited_seconds_total", "failed_partitions"):
                self.assertEqual(self.of(name, table), 0)
        self.assertEqual((self.of("running"), self.of("exit_status")), (0, 0))
        self.assertGreater(self.of("duration_seconds"), 0)

    def test_a_failure_keeps_when_it_last_went_well(self):
        self.weir.ok("export", "Syslog", *RANGE, "--metrics", self.metrics_file)
        well = self.of("last_success_timestamp_seconds", "Syslog")
        done = self.weir.run("export", "Syslog", *RANGE, "--refresh", "--metrics", self.metrics_file, "--lake", "/dev/null/x")
        self.assertEqual(done.returncode, 1)
        if self.metrics_file.exists():
            self.assertEqual(self.of("last_success_timestamp_seconds", "Syslog"), well)
        broken = Emulator(self.data, "--fault", "500:1")
        self.weir.ok("init", "--from-emulator", broken.ready, "--lake", self.weir.lake, "--force")
        process = self.weir.start("export", "Syslog", *RANGE, "--refresh", "--metrics", self.metrics_file)
        wait_for(lambda: self.of("running") == 1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        broken.stop()
        self.assertEqual((self.of("complete", "Syslog"), self.of("exit_status")), (0, 143))
        self.assertEqual(self.of("last_success_timestamp_seconds", "Syslog"), well)

    def test_it_is_renewed_while_the_run_goes_on(self):
        slow = self.enterContext(Emulator(self.data, *SLOW))
        weir = Weir(slow)
        process = weir.start("export", *TABLES, *RANGE, "--metrics", self.metrics_file, "--batch-rows", 20,
                             "--max-queries", 1)
        wait_for(self.metrics_file.exists)
        self.assertEqual((self.of("running"), self.of("rows_total", "Syslog")), (1, 0))
        wait_for(lambda: self.of("rows_total", "Syslog") > 0)
        self.assertEqual((self.of("running"), self.of("complete", "Syslog")), (1, 0))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual((self.of("running"), self.of("exit_status")), (0, 143))

    def test_a_verification_in_figures(self):
        self.weir.ok("export", "Syslog", *RANGE)
        damage(self.weir, "Syslog")
        self.weir.run("verify", "Syslog", "--metrics", self.metrics_file)
        self.assertEqual(self.of("complete", "Syslog", command="verify"), 0)
        self.assertEqual(self.of("failed_partitions", "Syslog", command="verify"), 3)
        self.assertEqual(self.of("partitions", "Syslog", command="verify", verdict="changed"), 2)


class Log(Watched):
    """--log-format json: every line of standard error is one object, whatever happens."""

    def lines(self, *words, env=None, status=0, input=None, weir=None):
        done = (weir or self.weir).run(*words, env=env, input=input)
        self.assertEqual(done.returncode, status, done.stderr)
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        for line in lines:
            self.assertIsInstance(line, dict)
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
            self.assertIn(line["level"], ("debug", "info", "error"))
            self.assertTrue(line["event"] and line["message"])
        return lines

    def json(self, *words, **more):
        return self.lines(*words, "--log-format", "json", **more)

    def test_an_export_from_begin_to_end(self):
        lines = self.json("export", "Syslog", *RANGE, "-v")
        events = {line["event"]: line for line in lines}
        self.assertEqual((events["begin"]["rows"], events["begin"]["tables"]), (1500, 1))
        self.assertEqual((lines[-1]["event"], lines[-1]["verdict"], lines[-1]["exit"]), ("end", "verified", 0))
        self.assertEqual((lines[-1]["rows"], lines[-1]["failed"]), (1500, 0))
        self.assertIn("detail", events)
        damage(self.weir, "Syslog")
        lines = self.json("verify", "Syslog", status=3)
        failed = [line for line in lines if line["event"] == "failed"]
        self.assertEqual([line["verdict"] for line in failed], ["missing", "changed", "changed"])
        self.assertEqual({type(line["rows_expected"]) for line in failed}, {int})
        self.assertEqual(lines[-1]["verdict"], "incomplete")

    def test_errors_have_code_and_hint(self):
        (error, end) = self.json("export", "Sylog", *RANGE, status=1)
        self.assertEqual((error["code"], error["level"], error["exit"]), ("NOT_FOUND", "error", 1))
        self.assertIn("did you mean 'Syslog'?", error["hint"])
        self.assertEqual((end["event"], end["verdict"]), ("end", "failed"))

    def test_kql_has_its_position(self):
        query = "Syslog\n| summarize count() by \"\u202e\x1b[31m\""
        error = self.json("export", "--query", query, "--as", "X", *RANGE, status=2)[0]
        self.assertEqual((error["code"], error["line"], error["column"], error["length"]), ("KQL", 2, 3, 9))
        self.assertEqual(error["text"], query)

    def test_usage_errors_of_every_kind(self):
        for words in (["exprot"], ["export", "--dyas", "3"], ["export", "T", "--days", "x"], [], ["lake"], ["verify", "A", "B"],
                      ["query", "T", "--output", "xml"], ["export", "Syslog", *RANGE, "--workspace-id", "contoso"]):
            with self.subTest(words):
                self.assertEqual(self.json(*words, status=2)[0]["event"], "error")
                self.assertEqual(self.lines("--log-format=json", *words, status=2)[0]["event"], "error")
                self.assertEqual(self.lines(*words, status=2, env={"WEIR_LOG_FORMAT": "json"})[0]["event"], "error")

    def test_other_commands(self):
        self.json("export", "Syslog", *RANGE)
        for words in (["tables"], ["estimate", "Syslog", *RANGE], ["preview", "Syslog", *RANGE], ["lake", "ls"],
                      ["query", "Syslog | count", *RANGE], ["query", "Syslog | count", *RANGE, "-v"]):
            with self.subTest(words):
                self.json(*words)
        self.json("query", "Syslog | where x ===", status=2)
        self.json("verify", "Nothing", "--offline", status=1)

    def test_an_interrupted_run(self):
        slow = self.enterContext(Emulator(self.data, *SLOW))
        weir = Weir(slow)
        process = weir.start("export", "Syslog", *RANGE, "--log-format", "json", "--batch-rows", 50)
        wait_for(lambda: list(weir.lake.glob("weir/*/*/lock")))
        process.send_signal(signal.SIGINT)
        lines = [json.loads(line) for line in process.communicate(timeout=60)[1].splitlines()]
        self.assertEqual([line["event"] for line in lines[-2:]], ["end", "interrupted"])
        self.assertEqual((process.returncode, lines[-2]["exit"]), (130, 130))


class Identity(unittest.TestCase):
    """What a second client may not see makes no export less verified, but the last line and the report say by whom."""

    def test_conditional_access(self):
        emulator = self.enterContext(Emulator(data(), "--condition", 'Syslog | where Facility == "auth"'))
        weir = Weir(emulator)
        report = weir.folder / "report.json"
        second = {"WEIR_CLIENT_ID": emulator.info["conditional_client_id"],
                  "WEIR_CLIENT_SECRET": "file:" + emulator.info["conditional_client_secret_file"]}
        for words in (["export", "Syslog", *RANGE], ["verify", "Syslog"], ["verify", "Syslog", "--offline"],
                      ["export", "Syslog", "--repair"]):
            with self.subTest(words):
                done = weir.ok(*words, "--report", report, env=second)
                self.assertRegex(done.stderr.splitlines()[-1],
                                 f"complete as seen by application {second['WEIR_CLIENT_ID']}")
                self.assertIn("does not see all rows of Syslog", done.stderr)
                (table,) = json.loads(report.read_text())["tables"]
                self.assertEqual(table["access"], "conditional")
        full = Weir(emulator)
        done = full.ok("export", "Syslog", *RANGE)
        self.assertNotIn("as seen by", done.stderr)
        self.assertNotIn("as seen by", full.ok("verify", "Syslog").stderr)


class Billed(unittest.TestCase):
    """Basic tables: what reading costs is told before, and --max-cost is kept."""

    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator(data(), "--plan", "Syslog=Basic")

    @classmethod
    def tearDownClass(cls):
        cls.emulator.stop()

    def test_the_estimate_has_dashes_for_what_nobody_counted(self):
        weir = Weir(self.emulator)
        text = weir.ok("estimate", "Syslog", *RANGE, "-o", "table", "--passes", 2).stdout
        self.assertRegex(text, r"(?m)^total +- +\S+ [kM]B +\S+ [kM]B +- ")
        self.assertRegex(text, r"(?m)^reading     2 passes x \S+ [kM]B x 0.005 = \S+ USD$")
        one, two = (weir.json("estimate", "Syslog", *RANGE, "--passes", n)[-1] for n in (1, 2))
        self.assertEqual((one["rows"], one["partitions"]), (None, None))
        self.assertAlmostEqual(two["search_cost"], 2 * one["search_cost"], places=5)
        plain = weir.json("estimate", "SecurityEvent", *RANGE)[-1]
        self.assertEqual((plain["rows"], plain["search_cost"]), (1500, 0))

    def test_the_limit_is_for_all_tables_and_for_billed_ones_only(self):
        weir = Weir(self.emulator)
        done = weir.run("export", "Syslog", *RANGE, "--max-cost", "0.0000001")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("more than the limit", done.stderr)
        self.assertFalse(weir.lake.exists() and weir.blobs("Syslog"))
        done = weir.run("export", "SecurityEvent", "Syslog", *RANGE, "--max-cost", "0")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertTrue(weir.blobs("SecurityEvent"))
        weir.ok("export", "Syslog", *RANGE, "--max-cost", "1.50")
        self.assertEqual(weir.run("export", "Syslog", *RANGE, "--max-cost", "much").returncode, 2)

    def test_the_report_tells_what_reading_cost(self):
        weir = Weir(self.emulator)
        for passes in (1, 2):
            report = json.loads(weir.ok("export", "Syslog", *RANGE, "--refresh", "--passes", passes, "--report", "-").stdout)
            (table,) = report["tables"]
            self.assertEqual((table["rows"], table["plan"]), (1500, "Basic"))
            self.assertEqual(table["proof"], {1: "answer", 2: "count+sum"}[passes])
            self.assertAlmostEqual(table["cost"]["search"], table["scanned"] / 1e9 * 0.005, places=6)
            self.assertGreater(table["scanned"], 0)


class Silent(Canned):
    """Gives tokens, and to a query no byte."""

    def __init__(self):
        super().__init__(200, "")
        self.asked, self.over = 0, threading.Event()
        self.RequestHandlerClass = Silent.Handler

    class Handler(Canned.Handler):
        def do_POST(self):
            if "/token" in self.path:
                super().do_POST()
                return
            self.server.asked += 1
            self.server.over.wait(60)

        do_GET = do_POST

    def __exit__(self, *_):
        self.over.set()
        super().__exit__()


class Patience(unittest.TestCase):
    def test_a_silent_answer_is_given_up_after_the_stall_timeout(self):
        emulator = self.enterContext(Emulator(data(), "--fault", "stall:0.3", "--seed", 3, "--stall-for", "60s"))
        weir = Weir(emulator)
        begun = time.monotonic()
        done = weir.ok("export", "Syslog", *RANGE, "--stall-timeout", "300ms", "-v")
        self.assertLess(time.monotonic() - begun, 50)
        self.assertIn("1,500 rows", done.stderr)

    def test_an_answer_that_does_not_begin_is_given_up(self):
        service = self.enterContext(Silent())
        weir = Weir()
        process = weir.start("export", "Syslog", *RANGE, env={**service.environment(), "WEIR_ANSWER_TIMEOUT": "100ms",
                                                      "WEIR_RESOURCE_ID": RESOURCE})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_for(lambda: service.asked >= 3 or process.poll() is not None)
        self.assertIsNone(process.poll())


class Late(unittest.TestCase):
    def test_verify_tells_what_came_since(self):
        source = generate("Syslog", rows=4000, days=2)
        words = ["Syslog", "--start", "2021-11-06", "--end", "2021-11-07T12:00:00Z"]
        first = Emulator(source, "--now", "2021-11-07T12:15:00Z")
        weir = Weir(first)
        weir.ok("export", *words)
        first.stop()
        second = self.enterContext(Emulator(source, "--now", "2021-11-07T18:00:00Z"))
        weir.ok("init", "--from-emulator", second.ready, "--lake", weir.lake, "--force")
        report = json.loads(weir.ok("verify", *words, "--report", "-").stdout)
        late = report["tables"][0]["late"]
        self.assertEqual(report["verdict"], "verified")
        self.assertGreater(late["rows"], 0)
        self.assertEqual(late["rows"], sum(one["rows"] for one in late["list"]))
        self.assertRegex(weir.ok("verify", *words).stderr, f"{late['rows']} rows? came late to {late['partitions']} partitions?")
        report = json.loads(weir.ok("export", *words, "--report", "-").stdout)
        self.assertEqual(report["tables"][0]["late"]["rows"], late["rows"])
        report = json.loads(weir.ok("verify", *words, "--report", "-").stdout)
        self.assertEqual(report["tables"][0]["late"]["rows"], 0)


del Watched  # has no tests of its own

if __name__ == "__main__":
    unittest.main(verbosity=2)

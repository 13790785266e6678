"""weir compact from outside: what it says, how it ends, and that nothing is deleted that was not agreed to."""
import json
import shutil
import subprocess
import unittest

from harness import BIN, Weir, environment

OTHER = ("/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/r/providers/"
         "microsoft.operationalinsights/workspaces/w")


def rows(day, n=5):
    return "".join(f'{{"TimeGenerated":"2021-11-{day:02}T03:{i:02}:12.3456789Z","a_s":"x","n_d":{i}}}\n' for i in range(n))


class Compact(unittest.TestCase):
    def setUp(self):
        self.weir = Weir()
        self.path = self.weir.folder / "a.jsonl"
        self.path.write_text(rows(6) + rows(7))
        self.weir.ok("partition", self.path, "--table", "T_CL", "-q")

    def files(self, pattern):
        return sorted(p for p in self.weir.lake.glob(pattern) if p.is_file())

    def all(self):
        return {p: p.read_bytes() for p in self.files("am-*/**/*") + self.files("weir/*/*/**/*")}

    def refused(self, status, *words, says=()):
        before = self.all()
        done = self.weir.run("compact", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(self.all(), before)
        return done

    def count(self):
        return json.loads(self.weir.ok("query", "T_CL | count").stdout)["Count"]

    def test_a_table_is_needed(self):
        self.refused(2, says=["TABLE"])

    def test_an_unknown_table(self):
        self.refused(1, "Nope", says=["'Nope'", "weir lake ls"])
        self.refused(1, "T_CL", "Nope", says=["'Nope'"])

    def test_options_that_cannot_be(self):
        self.refused(2, "T_CL", "--closed-after", "soon", says=["--closed-after"])
        self.refused(2, "T_CL", "--delete-service-blobs", says=["--delete-json"])
        self.refused(2, "T_CL", "--start", "2099-01-01", says=["future"])
        self.refused(2, "T_CL", "T_CL", says=["'T_CL' is named twice"])

    def test_without_the_engine_the_run_ends_and_no_day_is_blamed(self):
        (self.weir.folder / "bin").mkdir()
        weir = shutil.copy(BIN / "weir", self.weir.folder / "bin/weir")
        done = subprocess.run([weir, "compact", "T_CL"], cwd=self.weir.folder, env=environment(), text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the engine duckdb is not installed", done.stderr)
        self.assertNotIn("failed", done.stdout + done.stderr)

    def test_a_table_of_several_workspaces(self):
        self.weir.ok("partition", self.path, "--table", "T_CL", "--workspace-resource-id", OTHER)
        done = self.refused(2, "T_CL", says=["several workspaces", "--workspace-id"])
        ids = [p.name for p in (self.weir.lake / "weir").iterdir() if p.name != "tmp"]
        self.assertTrue(all(i in done.stderr for i in ids))
        self.weir.ok("compact", "T_CL", "--workspace-id", ids[0])

    def test_each_day_is_a_result(self):
        days = [json.loads(line) for line in self.weir.ok("compact", "T_CL").stdout.splitlines()]
        self.assertEqual([(d["table"], d["day"], d["verdict"], d["rows"]) for d in days],
                         [("T_CL", "2021-11-06T00:00:00Z", "compacted", 5), ("T_CL", "2021-11-07T00:00:00Z", "compacted", 5)])
        days = [json.loads(line) for line in self.weir.ok("compact", "T_CL").stdout.splitlines()]
        self.assertEqual([d["verdict"] for d in days], ["compacted before"] * 2)
        self.assertEqual(self.count(), 10)

    def test_the_last_line_has_the_figures(self):
        last = self.weir.ok("compact", "T_CL").stderr.splitlines()[-1]
        for part in ("2 days of T_CL compacted", "10 rows", "2 files"):
            self.assertIn(part, last)

    def test_a_range_takes_its_days_alone(self):
        done = self.weir.ok("compact", "T_CL", "--end-date", "2021-11-06")
        self.assertEqual([json.loads(line)["day"] for line in done.stdout.splitlines()], ["2021-11-06T00:00:00Z"])

    def test_a_reopened_day_of_a_lake_with_a_relative_name(self):
        relative = ["--lake", self.weir.lake.relative_to(self.weir.folder)]
        self.weir.ok("compact", "T_CL", *relative, "--delete-json", "--yes")
        late = self.weir.folder / "late.jsonl"
        late.write_text(rows(6, 7))
        self.weir.ok("partition", late, "--table", "T_CL", "--dedup", "*", *relative)
        self.assertIn("1 day of T_CL compacted", self.weir.ok("compact", "T_CL", *relative).stderr)
        self.assertEqual(self.count(), 12)

    def test_a_dry_run_writes_nothing(self):
        done = self.refused(0, "T_CL", "--dry-run")
        self.assertIn("2 days of T_CL would be compacted", done.stderr)
        self.assertEqual([json.loads(line)["verdict"] for line in done.stdout.splitlines()], ["would be compacted"] * 2)

    def test_a_day_that_is_not_closed_is_left(self):
        done = self.refused(0, "T_CL", "--closed-after", "20000d")
        self.assertIn("2 days not closed yet", done.stderr)

    def test_deleting_needs_a_yes_and_says_how_much(self):
        blobs = self.files("am-*/**/*")
        size = sum(b.stat().st_size for b in blobs)
        done = self.refused(2, "T_CL", "--delete-json", says=[f"{len(blobs)} blobs", f"{size} B", "--yes"])
        self.assertEqual(done.stdout, "")
        self.weir.ok("compact", "T_CL", "--delete-json", "--yes")
        self.assertEqual(self.files("am-*/**/*"), [])
        self.assertEqual(self.count(), 10)
        self.weir.ok("compact", "T_CL", "--delete-json")  # nothing is left to ask for
        self.weir.ok("verify", "T_CL", "--offline")

    def test_the_services_blobs_are_not_weirs_to_delete(self):
        (blob, *_) = self.files("am-*/**/*")
        service = blob.with_name("PT05M.json")
        service.write_text('{"TimeGenerated":"2021-11-06T03:01:00Z","a_s":"service"}\n')
        self.weir.ok("compact", "T_CL", "--closed-after", "0s", "--delete-json", "--yes")
        self.assertEqual(self.files("am-*/**/*"), [service])
        self.weir.ok("compact", "T_CL", "--closed-after", "0s", "--delete-json", "--delete-service-blobs", "--yes")
        self.assertEqual(self.files("am-*/**/*"), [])
        self.assertEqual(self.count(), 11)

    def test_verify_finds_rows_of_a_day_whose_record_was_lost(self):
        self.weir.ok("compact", "T_CL", "--closed-after", "0s", "--delete-json", "--yes")
        self.weir.ok("verify", "T_CL", "--offline")
        (record,) = self.files("weir/*/t-cl/days/**/d=07.jsonl")
        kept = record.read_bytes()
        record.unlink()
        done = self.weir.run("verify", "T_CL", "--offline")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("1 file of Parquet (y=2021/m=11/d=07/", done.stderr)
        self.assertIn("the day's record was lost", done.stderr)
        record.write_bytes(kept)
        left = record.parents[3] / "parquet/y=2021/m=11/d=07/0123456789ab-0.parquet"
        left.write_bytes(b"what a killed compaction left")
        self.assertIn("1 file of Parquet stands in no record", self.weir.ok("verify", "T_CL", "--offline").stderr)
        left.unlink()
        self.weir.ok("verify", "T_CL", "--offline")
        self.assertEqual(self.count(), 10)

    def test_the_end_is_an_event_and_a_report(self):
        path = self.weir.folder / "report.json"
        done = self.weir.ok("compact", "T_CL", "--log-format", "json", "--report", path)
        events = [json.loads(line) for line in done.stderr.splitlines()]
        (end,) = [event for event in events if event["event"] == "end"]
        for told in (end, json.loads(path.read_text())):
            self.assertEqual((told["verdict"], told["exit"], told["days_compacted"], told["rows"]), ("done", 0, 2, 10))

    def test_metrics_tell_how_it_ended(self):
        path = self.weir.folder / "weir.prom"

        def figures():
            rows = (line.rsplit(" ", 1) for line in path.read_text().splitlines() if not line.startswith("#"))
            return {name.removeprefix("weir_compact_").replace('{table="T_CL"}', ""): float(value) for name, value in rows}

        self.weir.ok("compact", "T_CL", "--dry-run", "--metrics", path)
        self.assertEqual((figures()["complete"], figures()["last_success_timestamp_seconds"]), (0, 0))
        self.weir.ok("compact", "T_CL", "--metrics", path)
        first = figures()
        self.assertEqual((first["rows_total"], first["days_compacted"], first["failed_days"], first["complete"], first["running"]), (10, 2, 0, 1, 0))
        self.assertEqual(first["read_bytes_total"], len(rows(6) + rows(7)))
        self.assertEqual(first["bytes_total"], sum(p.stat().st_size for p in self.files("weir/**/*.parquet")))
        self.weir.ok("compact", "T_CL", "--metrics", path, "--delete-json", "--yes")
        second = figures()
        self.assertEqual((second["rows_total"], second["days_before"], second["deleted_total"]), (0, 2, 2))
        self.assertGreater(second["last_success_timestamp_seconds"], first["last_success_timestamp_seconds"])

    def test_the_lake_tells_of_imports_and_days(self):
        self.weir.ok("compact", "T_CL")
        told = json.loads(self.weir.ok("lake", "stat", "T_CL").stdout)
        self.assertEqual((told["imports"]["count"], told["imports"]["rows"], told["compacted"]["days"],
                          told["compacted"]["rows"]), (1, 10, 2, 10))
        shown = self.weir.ok("lake", "stat", "T_CL", "-o", "table").stdout
        self.assertIn(f"import {told['imports']['list'][0]['id']}", shown)
        self.assertIn("days compacted", shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)

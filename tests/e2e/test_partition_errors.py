"""weir partition from outside: what it says, how it ends, and that nothing half-written is left."""
import gzip
import json
import os
import signal
import stat
import subprocess
import time
import unittest
from datetime import datetime
from decimal import Decimal

import pyarrow
import pyarrow.parquet

from harness import BIN, Weir, environment

LOCAL = ("/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/"
         "microsoft.operationalinsights/workspaces/local")
ROWS = ['{"TimeGenerated":"2021-11-07T03:05:12.3456789Z","a_s":"x"}', '{"TimeGenerated":"2021-11-07T03:11:00Z","a_s":"y"}']


def lines(rows):
    return "".join(row + "\n" for row in rows)


class Partition(unittest.TestCase):
    def setUp(self):
        self.weir = Weir()
        self.state = self.weir.folder / "state"
        self.env = {"XDG_STATE_HOME": str(self.state)}

    def write(self, name, text):
        path = self.weir.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def partition(self, *words, table="T_CL", **more):
        return self.weir.run("partition", *words, "--table", table, env={**self.env, **more.pop("env", {})}, **more)

    def ok(self, *words, **more):
        done = self.partition(*words, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    def blobs(self):
        return sorted(p for p in self.weir.lake.glob("am-*/**/*") if p.is_file())

    def refused(self, status, *words, says=(), **more):
        done = self.partition(*words, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("weir: ") or "\nweir: " in done.stderr, done.stderr)
        self.assertEqual(self.blobs(), [])
        self.assertEqual(list(self.weir.lake.glob("weir/*/*/imports/*")), [])
        return done

    # -- how it ends well --

    def test_without_a_workspace_the_rows_go_to_the_local_one_aloud(self):
        done = self.ok(self.write("a.jsonl", lines(ROWS)))
        self.assertIn(LOCAL, done.stderr)
        self.assertEqual({b.relative_to(self.weir.lake / "am-t-cl").parts[0] for b in self.blobs()}, {"WorkspaceResourceId="})
        self.assertEqual(len(list(self.weir.lake.glob(f"am-t-cl/WorkspaceResourceId={LOCAL}/y=2021/m=11/d=07/h=03/m=*/*"))), 2)

    def test_the_last_line_has_all_figures(self):
        done = self.ok(self.write("a.jsonl", lines(ROWS)))
        (record,) = self.weir.lake.glob("weir/*/t-cl/imports/*.jsonl")
        last = done.stderr.splitlines()[-1]
        for part in ("2 rows", "2 partitions", f"{len(lines(ROWS))} B", f"Import {record.stem} of T_CL"):
            self.assertIn(part, last)

    def test_the_same_again_is_nothing_new(self):
        path = self.write("a.jsonl", lines(ROWS))
        self.ok(path)
        before = {b: (b.read_bytes(), b.stat().st_mtime_ns) for b in self.blobs()}
        done = self.ok(path)
        self.assertIn("nothing is new", done.stderr.splitlines()[-1])
        self.assertEqual({b: (b.read_bytes(), b.stat().st_mtime_ns) for b in self.blobs()}, before)

    def test_the_workspace_of_a_profile_and_of_the_line(self):
        own = LOCAL.replace("local", "soc")
        self.write("weir.yaml", "profiles:\n  soc:\n    workspace-id: 8ecf8077-cf51-4820-aadd-14040956f35d\n"
                   f"    resource-id: {own}\n    lake: {self.weir.lake}\n")
        self.ok(self.write("a.jsonl", lines(ROWS)))
        self.assertEqual(len(list(self.weir.lake.glob(f"am-t-cl/WorkspaceResourceId={own}/**/*.json"))), 2)
        self.assertTrue((self.weir.lake / "weir/8ecf8077-cf51-4820-aadd-14040956f35d/t-cl/schema.json").exists())
        other = LOCAL.replace("local", "other")
        self.ok(self.write("b.jsonl", lines(ROWS)), "--workspace-resource-id", other.upper().replace("/SUBS", "/subs"))
        self.assertEqual(len(list(self.weir.lake.glob(f"am-t-cl/WorkspaceResourceId={other}/**/*.json"))), 2)

    def test_standard_input(self):
        self.ok("-", input=lines(ROWS))
        self.assertEqual(b"".join(b.read_bytes() for b in self.blobs()), lines(ROWS).encode())

    def test_standard_input_of_more_than_a_look_ahead(self):
        rows = [ROWS[0]] * 40000
        self.ok("-", input=lines(rows))
        self.assertEqual(b"".join(b.read_bytes() for b in self.blobs()), lines(rows).encode())

    def test_closed_descriptors_are_no_files_of_the_lake(self):
        path = self.write("a.jsonl", lines(ROWS))
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            weir = Weir()
            subprocess.run(["bash", "-c", f'"$0" partition "$1" --table T_CL --lake "$2" {closed}', BIN / "weir", path, weir.lake],
                           env=environment(self.env), check=True, stderr=subprocess.DEVNULL)
            self.assertEqual(sorted(b.read_text() for b in weir.lake.glob("am-*/**/PT05M_*")), [row + "\n" for row in ROWS])
        done = subprocess.run(["bash", "-c", '"$0" partition - --table T_CL --lake lake <&-', BIN / "weir"], cwd=self.weir.folder,
                              env=environment(self.env), capture_output=True, text=True)
        self.assertIn("0 rows", done.stderr)

    def test_what_is_no_file_is_read_once_and_whole(self):
        rows = [ROWS[0]] * 40000
        self.ok("/dev/stdin", input=lines(rows))
        self.assertEqual(b"".join(b.read_bytes() for b in self.blobs()), lines(rows).encode())

    def test_a_lake_is_made_of_nothing_but_rows_and_what_is_weirs(self):
        self.ok(self.write("a.jsonl", lines(ROWS)))
        left = {p.name for p in self.weir.lake.glob("weir/tmp/**/*") if p.is_file()} - {"lock"}
        self.assertEqual(left, set())
        self.assertEqual({p.name for p in self.weir.lake.iterdir()}, {"am-t-cl", "weir"})

    # -- what is refused --

    def test_a_table_is_needed(self):
        done = self.weir.run("partition", "x.jsonl")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--table", done.stderr)

    def test_files_are_needed(self):
        self.refused(2, says=["FILE"])

    def test_a_hostile_table_name_leaves_no_trace(self):
        for name in ("../../evil", "a/b", "a b", "", "a\n", "1a", "a" * 300):
            self.refused(2, self.write("a.jsonl", lines(ROWS)), table=name)
        self.assertFalse(self.weir.lake.exists())

    def test_a_file_that_is_not_there_is_named(self):
        self.refused(1, self.write("a.jsonl", lines(ROWS)), "nowhere.jsonl", says=["nowhere.jsonl"])

    def test_a_glob_that_matches_nothing(self):
        self.refused(1, "nowhere/*.jsonl", says=["nowhere/*.jsonl"])

    def test_a_folder_without_logs(self):
        (self.weir.folder / "empty").mkdir()
        self.refused(1, "empty", says=["there is no log file in empty", ".jsonl"])
        self.write("empty/README.md", "x")
        self.refused(1, "empty", says=["empty/README.md is passed over", "there is no log file in empty"])

    def test_the_same_bytes_by_other_settings_are_not_brought_in_twice(self):
        path = self.write("a.jsonl", lines(ROWS))
        self.ok(path)
        (record,) = self.weir.lake.glob("weir/*/t-cl/imports/*")
        before = self.blobs()
        for words, given in (([path], None), (["-"], path.read_text())):
            done = self.partition(*words, "--time-zone", "Europe/Berlin", input=given)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"in the lake already by import {record.stem}, by other settings", done.stderr)
            self.assertIn(f"--replace {record.stem}", done.stderr)
            self.assertEqual(self.blobs(), before)
        done = self.ok(path, "--time-zone", "Europe/Berlin", "--dedup", "*")
        self.assertIn("2 rows left out", done.stderr)
        self.ok(path, "--time-zone", "Europe/Berlin", "--replace", record.stem)
        self.assertEqual(len(self.blobs()), 2)

    def test_a_folder_that_holds_the_lake_gives_no_rows_of_it(self):
        self.write("in/a.jsonl", lines(ROWS))
        for _ in range(2):
            done = self.ok("in", "--lake", "in/lake")
            self.assertIn("the lake itself", done.stderr)
        self.assertIn("nothing is new", done.stderr.splitlines()[-1])

    def test_options_that_cannot_be(self):
        path = self.write("a.jsonl", lines(ROWS))
        self.refused(2, path, "--threads", "100000", says=["--threads"])
        self.refused(2, path, "--memory", "much", says=["--memory"])
        self.refused(2, path, "--time-format", "sundial", says=["--time-format", "iso"])
        self.refused(2, path, "--time-zone", "Europe/Atlantis", says=["Europe/Atlantis"])
        self.refused(2, path, "--allow-rejects", "-1", says=["--allow-rejects"])
        self.refused(2, path, "--workspace-resource-id", "contoso", says=["contoso"])
        self.refused(2, path, "--dedpu", "*", says=["--dedup"])

    def test_a_time_that_cannot_be_told_is_refused_with_the_candidates(self):
        path = self.write("a.jsonl", '{"start":"2021-11-07T03:05:12Z","end":"2021-11-07T03:06:12Z"}\n')
        self.refused(2, path, says=["start", "end", "--time-column"])
        done = self.ok(path, "--time-column", "end")
        self.assertIn("1 row in 1 partition", done.stderr)

    def where(self, table="T_CL"):
        """Of each row by its `id`: the partition it stands in, and the one that a query's TimeGenerated says."""
        laid, told = {}, {}
        for blob in self.weir.lake.glob(f"am-{table.lower().replace('_', '-')}/**/PT05M_*.json"):
            y, mo, d, h, mi = (part.split("=")[1] for part in blob.parts[-6:-1])
            laid.update({json.loads(line)["id"]: f"{y}-{mo}-{d}T{h}:{mi}" for line in blob.read_text().splitlines()})
        for line in self.weir.ok("query", f"{table} | project id, at=bin(TimeGenerated, 5m)").stdout.splitlines():
            told[json.loads(line)["id"]] = json.loads(line)["at"][:16]
        return laid, told

    def test_a_row_stands_where_readers_look_for_it(self):
        usual = [f'{{"id":{i},"when":"2021-11-07T03:05:12Z"}}' for i in range(1000)]
        odd = ['"TimeGenerated":"2022-01-01T00:00:00Z"', '"TimeGenerated":"2022-01-01T00:00:00"', '"TimeGenerated":"2022-01-01"',
               '"TimeGenerated":"11/20/2022, 4:20:29.443 PM"', '"TimeGenerated":"Sat, 8 Nov 14 15:05:02 GMT"', '"TimeGenerated":"n/a"',
               '"TimeGenerated":null', '"TimeGenerated":" "', '"TimeGenerated":5', '"Time\\u0047enerated":"2023-01-01T00:00:00Z"',
               '"TimeGenerated":"2022-01-01T00:00:00","TimeGenerated":"2024-01-01T00:00:00Z"', '"x":{"TimeGenerated":"2022-01-01T00:00:00"}',
               '"TimeGenerated":"2025\\u002d01-01T00:00:00Z"']
        rows = [f'{{"id":{2000 + i},{text},"when":"2021-11-07T03:05:12Z"}}' for i, text in enumerate(odd)]
        done = self.partition(self.write("a.jsonl", lines([*usual, rows[0], "[]", *rows[1:], "{}"])), "--time-column", "when")
        self.assertEqual(done.returncode, 3, done.stderr)
        (rejects,) = (self.state / "weir/rejects").iterdir()
        self.assertEqual([(r["line"], r["reason"]) for r in map(json.loads, rejects.read_text().splitlines())],
                         [(1002, "not one valid JSON object"), (1003, "its time names no zone"), (1004, "its time names no zone"),
                          (1005, "its time is no time"), (1006, "its time is no time"), (1007, "its time is no time"), (1015, "no time column")])
        laid, told = self.where()
        self.assertEqual(laid, told)
        self.assertEqual({i - 2000: at[:4] for i, at in laid.items() if i >= 2000},
                         {0: "2022", 6: "2021", 7: "2021", 8: "2021", 9: "2023", 10: "2024", 11: "2021", 12: "2025"})

    def test_a_rule_of_an_earlier_import_holds_for_later_rows_too(self):
        self.ok(self.write("a.jsonl", '{"id":0,"first":"2021-11-07T03:05:12Z"}\n'))
        usual = [f'{{"id":{i},"second":"2021-11-07T04:05:12Z"}}' for i in range(1, 1001)]
        odd = [f'{{"id":{2000 + i},"second":"2021-11-07T04:05:12Z",{text}}}' for i, text in
               enumerate(['"first":"2022-01-01T00:00:00Z"', '"first":"2022-01-01T00:00:00"', '"f\\u0069rst":"2023-01-01T00:00:00Z"'])]
        self.ok(self.write("b.jsonl", lines(usual + odd)), "--time-column", "second")
        laid, told = self.where()
        self.assertEqual(laid, told)
        self.assertEqual([laid[2000 + i][:4] for i in range(3)], ["2022", "2021", "2023"])

    def test_inputs_of_one_command_whose_times_exclude_each_other(self):
        first = self.write("a.jsonl", '{"id":0,"first":"2021-11-07T03:05:12Z"}\n')
        second = self.write("b.jsonl", '{"id":1,"second":"2021-11-07T04:05:12Z"}\n'
                                       '{"id":2,"second":"2021-11-07T04:05:12Z","first":"2022-01-01T00:00:00Z"}\n')
        self.refused(2, first, second, says=["b.jsonl: readers of the table would take 'first' for the time", "an input before this one"])
        self.ok(second, first)
        laid, told = self.where()
        self.assertEqual(laid, told)

    def test_a_replaced_import_must_be_there(self):
        done = self.partition(self.write("a.jsonl", lines(ROWS)), "--replace", "0123456789ab")
        self.assertIn(done.returncode, (1, 2))
        self.assertIn("0123456789ab", done.stderr)
        self.assertEqual(self.blobs(), [])

    def count(self):
        return json.loads(self.weir.ok("query", "T_CL | count").stdout)["Count"]

    @staticmethod
    def rows(days, **members):
        """A row a day, with what a file of Parquet cannot hold as it is: ticks, a value of another type, a rare key."""
        for day in days:
            row = {"TimeGenerated": f"2021-11-{day:02}T03:05:12.1234567Z", "a_s": "x", "n_d": 0.1 if day % 2 else "none",
                   "o": {"k": [1, None, {"z": "\u20ac"}]}, **({"rare": day} if day == 3 else {}), **members}
            yield row

    def test_dedup_compares_with_days_whose_json_is_deleted(self):
        days = range(1, 9)
        self.ok(self.write("old.jsonl", lines(map(json.dumps, self.rows(days)))))
        self.weir.ok("compact", "T_CL", "--end-date", "2021-11-05", "--lookback-days", "5", "--delete-json", "--yes")
        turned = (json.dumps(dict(reversed(row.items())), ensure_ascii=False, separators=(",", " : ")) for row in self.rows(days))
        new = self.write("new.jsonl", lines(turned) + lines(map(json.dumps, self.rows(days, a_s="y"))))
        done = self.ok(new, "--dedup", "*")
        self.assertIn("8 rows left out as equal to others", done.stderr)
        self.assertEqual(self.count(), 16)
        done = self.ok(self.write("z.jsonl", lines(map(json.dumps, self.rows(days, o="z")))), "--dedup", "a_s,TimeGenerated")
        self.assertIn("8 rows left out as equal to others", done.stderr)

    def test_dedup_compares_with_what_others_took_away(self):
        self.ok(self.write("old.jsonl", lines(map(json.dumps, self.rows([6, 7])))))
        self.weir.ok("compact", "T_CL", "--end-date", "2021-11-08", "--lookback-days", "3")
        (blob,) = self.weir.lake.glob(f"am-t-cl/WorkspaceResourceId={LOCAL}/y=2021/m=11/d=07/h=03/m=05/*.json")
        blob.unlink()
        done = self.ok(self.write("new.jsonl", lines(map(json.dumps, self.rows([5, 6, 7, 8])))), "--dedup", "*")
        self.assertIn("2 rows left out as equal to others", done.stderr)
        self.assertEqual(self.count(), 4)

    def test_dedup_compares_with_no_rows_that_were_replaced(self):
        """They stand in Parquet still, where no query reads them."""
        old = self.write("old.jsonl", lines(map(json.dumps, self.rows([6, 7]))))
        self.ok(old)
        (record,) = self.weir.lake.glob("weir/*/*/imports/*")
        self.weir.ok("compact", "T_CL", "--end-date", "2021-11-08", "--lookback-days", "3", "--delete-json", "--yes")
        self.ok(self.write("better.jsonl", lines(map(json.dumps, self.rows([6, 7], a_s="better")))), "--replace", record.stem)
        self.assertEqual(self.count(), 2)
        done = self.ok(self.write("again.jsonl", lines(map(json.dumps, self.rows([7, 8])))), "--dedup", "*")
        self.assertNotIn("left out", done.stderr)
        self.assertEqual(self.count(), 4)

    def test_dedup_needs_the_files_of_days_whose_json_is_deleted(self):
        self.ok(self.write("old.jsonl", lines(map(json.dumps, self.rows([6, 7])))))
        self.weir.ok("compact", "T_CL", "--end-date", "2021-11-08", "--lookback-days", "3", "--delete-json", "--yes")
        (file,) = self.weir.lake.glob("weir/*/*/parquet/y=2021/m=11/d=07/*.parquet")
        file.rename(self.weir.folder / "taken")
        imports = sorted(self.weir.lake.glob("weir/*/*/imports/*"))
        done = self.partition(self.write("new.jsonl", lines(map(json.dumps, self.rows([7])))), "--dedup", "*")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("of 2021-11-07 is missing", done.stderr)
        self.assertEqual(sorted(self.weir.lake.glob("weir/*/*/imports/*")), imports)

    def test_dedup_compares_with_no_packed_blob(self):
        self.ok(self.write("a.jsonl", lines(ROWS)))
        blob = self.blobs()[0].with_name("PT05M.json")
        blob.write_bytes(gzip.compress(lines(ROWS).encode()))
        new = self.write("b.jsonl", lines(ROWS).replace("x", "z"))
        done = self.partition(new, "--dedup", "a_s")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("PT05M.json is packed: its rows cannot be compared with", done.stderr)

    def test_parquet_may_be_as_wide_as_a_table(self):
        for count, value, kind in (1000, 7, "long"), (1990, "x", "string"):
            columns = {f"c{i}": [value, value] for i in range(count)}
            times = pyarrow.array([datetime(2021, 11, 7, 3, 5)] * 2, pyarrow.timestamp("us", "UTC"))
            pyarrow.parquet.write_table(pyarrow.table({"TimeGenerated": times, **columns}), self.weir.folder / f"{kind}.parquet")
            done = self.partition(self.weir.folder / f"{kind}.parquet", table=f"{kind}_CL")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("2 rows in 1 partition", done.stderr)

    def test_a_decimal_that_the_engine_cannot_hold_is_refused(self):
        times = pyarrow.array([datetime(2021, 11, 7, 3, 5)], pyarrow.timestamp("us", "UTC"))
        wide = pyarrow.decimal256(60, 2)
        for name, values in (("flat", pyarrow.array([Decimal("1.10")], wide)),
                             ("nested", pyarrow.array([{"x": Decimal("1.10")}], pyarrow.struct([("x", wide)])))):
            path = self.weir.folder / f"{name}.parquet"
            pyarrow.parquet.write_table(pyarrow.table({"TimeGenerated": times, "d": values}), path)
            self.refused(1, path, says=[name, "is a decimal of more than 38 digits"])

    def test_packed_bytes_that_are_cut_bring_nothing(self):
        packed = gzip.compress(lines(ROWS * 1000).encode())
        self.refused(1, self.write("a.jsonl.gz", packed[:-20]), says=["a.jsonl.gz"])

    def test_an_array_that_does_not_end_brings_nothing(self):
        self.refused(1, self.write("a.json", "[" + ",\n".join(ROWS)), says=["a.json"])

    def test_a_lake_that_cannot_be_written(self):
        blocked = self.write("file", "not a folder")
        self.refused(1, self.write("a.jsonl", lines(ROWS)), "--lake", blocked / "lake", says=[str(blocked)])

    def test_a_lake_that_may_not_be_written(self):
        self.weir.lake.mkdir(mode=0o500)
        plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []  # root may write everywhere
        self.refused(1, self.write("a.jsonl", lines(ROWS)), under=plain, says=["Permission denied"])

    def test_what_is_read_is_not_written(self):
        path = self.write("a.jsonl", lines(ROWS))
        before = path.read_bytes()
        (self.weir.folder / "link.jsonl").symlink_to(path)
        for option in "--report", "--metrics", "--reject-file":
            for name in path, "a.jsonl", "link.jsonl":
                self.refused(2, path, option, name, says=[f"would be overwritten by {option}"])
        self.assertEqual(path.read_bytes(), before)

    def test_what_is_written_beside_the_inputs_is_not_read(self):
        (self.weir.folder / "logs").mkdir()
        self.write("logs/a.jsonl", lines(ROWS))
        for outcome in f"{len(ROWS)} rows in", "nothing is new":
            done = self.ok("logs", "--report", "logs/report.json")
            self.assertIn("logs/report.json is passed over: this run writes it", done.stderr)
            self.assertIn(outcome, done.stderr)

    # -- rejects --

    def test_rejects_make_status_3_and_the_other_rows_are_in(self):
        done = self.partition(self.write("a.jsonl", lines([ROWS[0], "{broken", '{"a_s":"no time"}', ROWS[1]])))
        self.assertEqual(done.returncode, 3, done.stderr)
        (rejects,) = (self.state / "weir/rejects").iterdir()
        (record,) = self.weir.lake.glob("weir/*/t-cl/imports/*.jsonl")
        self.assertEqual(rejects.name, f"T_CL-{record.stem}.jsonl")
        self.assertEqual(stat.S_IMODE(rejects.stat().st_mode), 0o600)
        told = [json.loads(line) for line in rejects.read_text().splitlines()]
        self.assertEqual([(r["line"], r["reason"], r["text"]) for r in told],
                         [(2, "not one valid JSON object", "{broken"), (3, "no time column", '{"a_s":"no time"}')])
        last = done.stderr.splitlines()[-1]
        self.assertIn("2 lines rejected", last)
        self.assertIn(str(rejects), last)
        self.assertEqual(len(self.blobs()), 2)

    def test_what_is_rejected_tells_no_columns(self):
        bad = ['{"TimeGenerated":"bad","n":"secret","new":{"x":1}}', '{"n":"no time","other":1}']
        good = ['{"TimeGenerated":"2021-11-07T03:05:12Z","n":1}', '{"TimeGenerated":"2021-11-07T03:05:13Z","n":2}']
        for name, text in ("a.jsonl", lines(bad + good)), ("a.json", "[" + ",".join(bad + good) + "]"):
            self.ok(self.write(name, text), "--allow-rejects", "2", table=name.replace(".", "_"))
            (schema,) = self.weir.lake.glob(f"weir/*/{name.replace('.', '-')}/schema.json")
            columns = json.loads(schema.read_text())["columns"]
            self.assertEqual([(c["name"], c["type"]) for c in columns], [("TimeGenerated", "datetime"), ("n", "long")])

    def test_allowed_rejects_end_well(self):
        path = self.write("a.jsonl", lines([ROWS[0], "{broken"]))
        done = self.ok(path, "--allow-rejects", "1", "--reject-file", self.weir.folder / "r.jsonl")
        self.assertIn("1 line rejected", done.stderr)
        self.assertEqual(json.loads((self.weir.folder / "r.jsonl").read_text())["line"], 2)
        self.assertFalse(self.state.exists())

    def test_the_same_again_tells_what_was_rejected_then(self):
        bad = self.write("bad.jsonl", lines([ROWS[0], "{broken", "[]"]))
        self.assertEqual(self.partition(bad).returncode, 3)
        (rejects,) = (self.state / "weir/rejects").iterdir()
        done = self.partition(bad, "-q", "--report", self.weir.folder / "report.json")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("nothing is new", done.stderr)
        self.assertIn(f"2 lines of what the lake had already were rejected then, see {rejects}", done.stderr)
        report = json.loads((self.weir.folder / "report.json").read_text())
        self.assertEqual((report["verdict"], report["rejected"], report["rejected_before"], report["rejected_file"]),
                         ("incomplete", 0, 2, str(rejects)))
        self.assertEqual([i["rejected"] for i in report["inputs"]], [2])
        self.ok(bad, "--allow-rejects", "2")
        rejects.unlink()
        self.assertNotIn("see ", self.partition(bad).stderr)
        # Beside a new input both count.
        worse = self.write("worse.jsonl", lines([ROWS[1], "{"]))
        done = self.partition(bad, worse, "--allow-rejects", "2")
        self.assertEqual(done.returncode, 3, done.stderr)
        for part in ("1 line rejected", "2 lines of what the lake had already were rejected then"):
            self.assertIn(part, done.stderr.splitlines()[-1])
        self.ok(bad, worse, "--allow-rejects", "3")
        # And --replace brings them to light again.
        (record,) = [r for r in self.weir.lake.glob("weir/*/t-cl/imports/*") if "bad.jsonl" in r.read_text()]
        self.assertEqual(self.partition(bad, "--replace", record.stem).returncode, 3)
        self.assertTrue(rejects.exists())

    def test_no_reject_makes_no_file(self):
        self.ok(self.write("a.jsonl", lines(ROWS)))
        self.assertFalse(self.state.exists())

    # -- what verify says of it --

    def test_verify_reads_the_blobs_of_imports(self):
        path = self.write("a.jsonl", lines(ROWS))
        self.ok(path)
        done = self.weir.ok("verify", "T_CL", "--offline")
        self.assertIn("2 partitions of 1 import of T_CL verified against its record: 2 rows", done.stderr)
        first, second = self.blobs()
        first.unlink()
        second.write_bytes(second.read_bytes().replace(b"y", b"z"))
        done = self.weir.run("verify", "T_CL", "--offline")
        self.assertEqual(done.returncode, 3, done.stderr)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(t["partition"], t["verdict"], t["rows_expected"]) for t in told],
                         [("2021-11-07T03:05:00Z", "missing", 1), ("2021-11-07T03:10:00Z", "changed", 1)])
        self.assertIn("2 of 2 partitions of 1 import of T_CL do not verify", done.stderr)
        self.assertIn("--replace", done.stderr)
        (record,) = self.weir.lake.glob("weir/*/t-cl/imports/*")
        self.ok(path, "--replace", record.stem)
        self.weir.ok("verify", "T_CL", "--offline")

    def test_verify_knows_an_import_that_was_killed(self):
        path = self.write("a.jsonl", lines(ROWS))
        self.ok(path)
        (record,) = self.weir.lake.glob("weir/*/t-cl/imports/*")
        whole = record.read_bytes()
        record.unlink()
        done = self.weir.run("verify", "T_CL", "--offline")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("the same weir partition command finishes it", done.stderr)
        self.ok(path)
        old, new = ([json.loads(line) for line in text.splitlines()] for text in (whole, record.read_bytes()))
        self.assertNotEqual(old[0].pop("started"), new[0].pop("started"))
        self.assertEqual(old[:-1], new[:-1])  # the last is the hash of the others
        self.weir.ok("verify", "T_CL", "--offline")

    # -- for machines --

    def test_every_message_is_an_object_and_the_last_has_the_figures(self):
        done = self.partition(self.write("a.jsonl", lines([*ROWS, "[]"])), "--log-format", "json")
        events = [json.loads(line) for line in done.stderr.splitlines()]
        (end,) = [event for event in events if event["event"] == "end"]
        self.assertEqual((end["verdict"], end["exit"], end["rows"], end["partitions"], end["rejected"]),
                         ("incomplete", 3, 2, 2, 1))
        self.assertEqual(end["reasons"], {"not one valid JSON object": 1})

    def test_a_report_tells_how_it_ended(self):
        path = self.weir.folder / "report.json"
        self.ok(self.write("a.jsonl", lines(ROWS)), "--report", path)
        report = json.loads(path.read_text())
        self.assertEqual((report["format"], report["command"], report["verdict"], report["exit"]),
                         ("weir report", "partition", "done", 0))
        self.assertEqual([(i["rows"], i["held_by"]) for i in report["inputs"]], [(2, None)])
        self.refused_report(path)

    def refused_report(self, path):
        done = self.partition("nowhere.jsonl", "--report", path)
        self.assertEqual(done.returncode, 1)
        report = json.loads(path.read_text())
        self.assertEqual((report["verdict"], report["exit"], report["error"]["code"]), ("failed", 1, "NOT_FOUND"))

    def metrics(self, path):
        """Each figure by its name without weir_partition_ and the label."""
        found = {}
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.assertTrue(name.startswith("weir_partition_"), name)
                self.assertNotIn(name, found)
                found[name.removeprefix("weir_partition_").replace('{table="T_CL"}', "")] = float(value)
        return found

    def test_a_row_of_thousands_of_keys_is_not_the_end_of_the_table(self):
        many = "".join(f',"k{i}":1' for i in range(4094))
        done = self.ok(self.write("a.jsonl", lines([ROWS[0], ROWS[1][:-1] + many + "}"])))
        self.assertIn("2096 keys of the rows are no columns of T_CL: schema.json has 2000", done.stderr)
        self.assertEqual(json.loads(self.weir.ok("query", "T_CL | where k7 == 1 | count").stdout)["Count"], 1)
        self.weir.ok("compact", "T_CL")
        self.assertEqual(json.loads(self.weir.ok("query", "T_CL | count").stdout)["Count"], 2)

    def test_metrics_tell_how_it_ended(self):
        path = self.weir.folder / "weir.prom"
        good, bad = self.write("a.jsonl", lines(ROWS)), self.write("b.jsonl", lines([ROWS[0].replace("x", "z"), "[]"]))
        self.ok(good, "--metrics", path)
        first = self.metrics(path)
        self.assertEqual({name: first[name] for name in ("rows_total", "bytes_total", "partitions_total", "rejected_total", "complete", "running",
                                                         "exit_status")},
                         {"rows_total": 2, "bytes_total": len(lines(ROWS)), "partitions_total": 2, "rejected_total": 0, "complete": 1,
                          "running": 0, "exit_status": 0})
        self.assertGreater(first["last_success_timestamp_seconds"], first["start_timestamp_seconds"])
        self.assertEqual(self.partition(bad, "--metrics", path).returncode, 3)
        second = self.metrics(path)
        self.assertEqual((second["rejected_total"], second["complete"], second["exit_status"]), (1, 0, 3))
        self.assertEqual(second["last_success_timestamp_seconds"], first["last_success_timestamp_seconds"])
        self.assertEqual(self.partition(bad, "--metrics", path).returncode, 3)
        third = self.metrics(path)
        self.assertEqual((third["rows_total"], third["rejected_total"], third["rejected_before"], third["exit_status"]), (0, 0, 1, 3))
        text = path.read_text()
        self.assertEqual(self.partition(good, "--threads", "no", "--metrics", path).returncode, 2)
        self.assertEqual(path.read_text(), text)  # a line that is refused leaves it
        self.assertEqual(self.partition("nowhere.jsonl", "--metrics", path).returncode, 1)
        self.assertEqual((self.metrics(path)["complete"], self.metrics(path)["exit_status"]), (0, 1))
        done = self.partition(good, "--metrics", "/nowhere/weir.prom", table="New_CL")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("weir: --metrics", done.stderr)
        self.assertEqual(list(self.weir.lake.glob("am-new-cl")), [])

    def test_quiet_says_the_last_line_alone(self):
        done = self.ok(self.write("a.jsonl", lines(ROWS)), "-q")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_hostile_names_and_rows_reach_no_terminal(self):
        name = "a\x1b[31m\u202e\n.jsonl"
        done = self.partition(self.write(name, lines([ROWS[0], '{"\x1b]0;evil\x07":1}'])), "-v")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertNotIn("\x1b", done.stderr)
        self.assertNotIn("\u202e", done.stderr)
        self.assertTrue(any("\\x1b[31m\\u202e\\x0a.jsonl: " in line for line in done.stderr.splitlines()), done.stderr)

    # -- signals and others --

    def begin(self, *words):
        """A run that waits for its standard input, once it holds the table."""
        run = subprocess.Popen([BIN / "weir", "partition", "-", "--table", "T_CL", *map(str, words)], cwd=self.weir.folder,
                               env=environment(self.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.kill)
        end = time.monotonic() + 60
        while not list(self.weir.lake.glob("weir/*/t-cl/lock")):
            self.assertIsNone(run.poll())
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)  # a file is waited for, not a guess made
        return run

    def test_a_signal_leaves_nothing_that_shows(self):
        # Few rows wait to be looked at; with many of them the workers wait for more.
        for number, status, rows in ((signal.SIGINT, 130, ROWS), (signal.SIGTERM, 143, ROWS * 8000)):
            run = self.begin()
            run.stdin.write(lines(rows))
            run.stdin.flush()
            run.send_signal(number)
            self.assertEqual(run.wait(60), status)
            run.stdin.close()
            self.assertIn("interrupted", run.stderr.read())
            self.assertEqual(self.blobs(), [])

    def test_two_at_once_say_who_is_first(self):
        run = self.begin()
        done = self.partition(self.write("a.jsonl", lines(ROWS)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("weir partition", done.stderr)
        run.communicate(lines(ROWS), timeout=60)
        self.assertEqual(run.returncode, 0)
        self.assertEqual(len(self.blobs()), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)

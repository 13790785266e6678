"""How the files of a folder become tables: forms, names, headers, types, schemas, zones."""

import csv
import gzip
import io
import json
import pathlib
import subprocess
import tempfile
import unittest

from emulator import BIN, Emulator


class Data(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)

    def put(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def answers(self, *texts):
        """The rows of each query, and what the emulator said."""
        with Emulator(self.folder, "--rate", 0, "--no-usage", tls=False) as served:
            rows = []
            for text in texts:
                status, body = served.query(text)
                self.assertEqual(status, 200, body)
                rows.append(body["tables"][0]["rows"])
            self.tables = {table["name"]: table["rows"] for table in served.ready["tables"]}
        self.said = served.said
        return rows

    def test_several_files_of_every_form_are_one_table(self):
        row = {"TimeGenerated": "2024-01-01T00:00:00Z", "Name_s": "lines"}
        self.put("Mix_CL.jsonl", json.dumps(row) + "\n")
        self.put("Mix_CL.b.json", json.dumps([dict(row, Name_s="array")], indent=2))
        self.put("Mix_CL.c.json.gz", gzip.compress(json.dumps(dict(row, Name_s="gz")).encode()))
        self.put("Mix_CL.d.csv", "TimeGenerated,Name_s\n2024-01-01,csv\n")
        self.put("Mix_CL.e.csv.gz", gzip.compress(b"Name_s,TimeGenerated\ncsv gz,2024-01-01\n"))
        self.put("Mix_CL/2024/01/f.ndjson", json.dumps(dict(row, Name_s="folder")))
        self.put("Other_CL.json", json.dumps([row]))
        self.put("truth.json", "{}")
        self.put("README.md", "not a table")
        (names,) = self.answers("Mix_CL | project Name_s | sort by Name_s asc")
        self.assertEqual([name for name, in names],
                         ["array", "csv", "csv gz", "folder", "gz", "lines"])
        self.assertEqual(self.tables, {"Mix_CL": 6, "Other_CL": 1})
        self.assertIn("passed over", self.said)
        self.assertIn("README.md", self.said)

    def test_a_portal_file_with_mark_and_zone_in_its_header(self):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["TimeGenerated [UTC]", "Name_s", "Seen [Pacific Time (US and Canada) Tijuana]"])
        writer.writerow(["11/20/2020, 4:20:29.443 PM", "a,\"b\"\nc", "7/1/2021, 12:00:00.000 AM"])
        self.put("Portal_CL.csv", "\ufeff" + out.getvalue())
        (rows,) = self.answers("Portal_CL | project TimeGenerated, Name_s, Seen")
        self.assertEqual(rows, [["2020-11-20T16:20:29.443Z", "a,\"b\"\nc", "2021-07-01T07:00:00Z"]])

    def test_a_zone_that_nobody_knows_is_refused(self):
        self.put("Odd_CL.csv", "TimeGenerated [Middle of Nowhere]\n1/1/2024\n")
        done = subprocess.run([BIN / "weir-emulator", "serve", "--data", self.folder],
                              stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("time zone of column 'TimeGenerated [Middle of Nowhere]'", done.stderr)

    def test_suffixes_type_a_custom_table(self):
        self.put("Typed_CL.jsonl", json.dumps({
            "TimeGenerated": "2024-01-01", "A_s": "1", "B_d": "1.5", "C_b": "true", "E_t": "2024-01-02",
            "D_g": "5F3C1B6E-8A52-4D5F-9B1E-7C0A2E4D9F10", "Plain": 7}) + "\n")
        rows, = self.answers("Typed_CL | project A_s, B_d, C_b, D_g, E_t, Plain")
        self.assertEqual(rows, [["1", 1.5, True, "5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10",
                                 "2024-01-02T00:00:00Z", "7"]])

    def test_a_known_table_has_all_columns_of_its_schema_and_those_of_its_files(self):
        self.put("Syslog.jsonl", json.dumps({
            "TimeGenerated": "2024-01-01", "ProcessID": "12", "Facility": 4, "Extra": "x"}) + "\n")
        rows, whole = self.answers("Syslog | project ProcessID, Facility, HostName, Extra, Type", "Syslog")
        self.assertEqual(rows, [[12, "4", "", "x", "Syslog"]])
        self.assertEqual(len(whole[0]), 16)  # 18 of the schema, less 3 hidden ones, and Extra

    def test_a_schema_beside_the_data_wins(self):
        self.put("Syslog.columns", "TimeGenerated datetime\nLevel long\n")
        self.put("Syslog.json", '[{"TimeGenerated": "2024-01-01", "Level": "5"}]')
        self.assertEqual(self.answers("Syslog")[0], [
            ["2024-01-01T00:00:00Z", 5, "5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10", "Syslog"]])

    def test_what_a_file_says_of_tenant_item_and_type_is_kept(self):
        self.put("Own_CL.jsonl", "".join(json.dumps(row) + "\n" for row in (
            {"TimeGenerated": "2024-01-01", "_ItemId": "one", "TenantId": "t", "Type": "Own"},
            {"TimeGenerated": "2024-01-02", "_ItemId": ""})))
        (rows,) = self.answers("Own_CL | sort by TimeGenerated asc | project _ItemId, TenantId, Type")
        self.assertEqual(rows[0], ["one", "t", "Own"])
        self.assertRegex(rows[1][0], "^[0-9a-f-]{36}$")
        self.assertEqual(rows[1][1:], ["5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10", "Own_CL"])

    def test_names_in_another_case_fall_together(self):
        self.put("Syslog.json", '[{"TimeGenerated": "2024-01-01", "hostname": "h"}]')
        self.assertEqual(self.answers("Syslog | project HostName")[0], [["h"]])
        self.assertIn("column hostname is read as HostName", self.said)

    def test_rows_and_tables_without_time(self):
        self.put("Some_CL.json", '[{"TimeGenerated": "2024-01-01", "A_s": "x"}, {"A_s": "y"}]')
        self.put("CommonSecurityLog.json", '[{"DeviceVendor": "v"}]')
        (rows, whole) = self.answers("Some_CL | where isnull(TimeGenerated) | project A_s",
                                     "CommonSecurityLog | count")
        self.assertEqual((rows, whole), ([["y"]], [[1]]))
        self.assertIn("Some_CL: 1 rows have no TimeGenerated", self.said)
        self.assertIn("CommonSecurityLog: no file has TimeGenerated", self.said)
        with Emulator(self.folder, tls=False) as served:
            self.assertEqual(served.query("CommonSecurityLog | project TimeGenerated")[0], 400)
            _, _, body = served.request("GET", f"/v1/workspaces/{served.workspace}/metadata",
                                        headers=served.bearer())
            tables = {table["name"]: table for table in json.loads(body)["tables"]}
            self.assertNotIn("timespanColumn", tables["CommonSecurityLog"])
            self.assertNotIn("TimeGenerated",
                             [column["name"] for column in tables["CommonSecurityLog"]["columns"]])

    def test_values_that_do_not_fit_are_null_and_counted(self):
        self.put("Bad_CL.json", '[{"TimeGenerated": "2024-01-01", "N_d": "many"}]')
        self.assertEqual(self.answers("Bad_CL | project N_d")[0], [[None]])
        self.assertIn("Bad_CL: 1 values do not fit their type", self.said)

    def test_a_broken_file_is_named(self):
        self.put("Broken_CL.jsonl", '{"TimeGenerated": "2024-01-01"}\n{"TimeGenerated": \n')
        done = subprocess.run([BIN / "weir-emulator", "serve", "--data", self.folder],
                              stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Broken_CL.jsonl", done.stderr)

    def test_a_key_that_comes_late_is_a_column(self):
        self.put("Late_CL.jsonl", "".join(
            json.dumps({"TimeGenerated": "2024-01-01", "A_s": str(n), **({"Z\u00fc_d": 1} if n == 4999 else {})}) + "\n"
            for n in range(5000)))
        rows, _ = self.answers("Late_CL | summarize count() by ['Z\u00fc_d']", "Late_CL | take 1")
        self.assertEqual(sorted(rows, key=str), [[1.0, 1], [None, 4999]])

    def test_item_ids_do_not_depend_on_what_other_rows_bring(self):
        row = {"TimeGenerated": "2024-01-01", "A_s": "x", "B_d": 5, "Empty_s": "", "Null_t": None}
        more = {"TimeGenerated": "2024-01-02", "A_s": "y", "C_b": True, "Empty_s": "z", "Null_t": "2024-01-01"}
        text = "Ids_CL | where A_s == 'x' | project _ItemId"
        ids = set()
        for name, rows in (("a.json", [row]), ("a.json", [row, more]), ("b.csv", None)):
            content = json.dumps(rows) if rows else "B_d,A_s,TimeGenerated\n5,x,2024-01-01\n"
            for path in self.folder.glob("Ids_CL.*"):
                path.unlink()
            self.put("Ids_CL." + name, content)
            ids.add(str(self.answers(text)[0]))
        self.assertEqual(len(ids), 1)

    def test_columns_without_a_value_are_there(self):
        self.put("Void_CL.columns", "TimeGenerated datetime\n" + "".join(f"{kind} {kind}\n" for kind in (
            "bool", "int", "long", "real", "decimal", "timespan", "guid", "string", "dynamic")))
        self.put("Void_CL.json", '[{"TimeGenerated": "2024-01-01", "string": "", "long": null}]')
        row, size = self.answers("Void_CL | project-away TenantId, Type",
                                 "Void_CL | project-away TenantId, Type | project estimate_data_size(*)")
        self.assertEqual(row, [["2024-01-01T00:00:00Z", None, None, None, None, None, None, None, "", None]])
        self.assertEqual(size, [[8 + 1 + 4 + 8 + 8 + 34 + 8 + 16]])

    def test_rows_out_of_order_are_all_there(self):
        """Above 100,000 rows, files in no order are sorted once they are in."""
        count = 120000
        self.put("Shuffled_CL.jsonl", "".join(
            f'{{"TimeGenerated":"2024-01-{1 + n * 7919 % 28:02}T00:00:00Z","N_d":{n}}}\n'
            for n in range(count)))
        (rows,) = self.answers("Shuffled_CL | summarize count(), sum(N_d), dcount(_ItemId)")
        self.assertEqual(rows[0][:2], [count, count * (count - 1) / 2])


if __name__ == "__main__":
    unittest.main()

"""Rows arrive while the emulator runs, by Microsoft's azure-monitor-ingestion, and its continuous export lays
them down in a lake."""

import collections
import datetime
import gzip
import json
import pathlib
import re
import tempfile
import time
import unittest

from azure.core.exceptions import HttpResponseError
from azure.monitor.ingestion import LogsIngestionClient

from emulator import Emulator

NOW = "2024-06-01T12:02:30Z"
WAIT_SECONDS = 30


def minutes(n):
    begin = datetime.datetime.fromisoformat(NOW.replace("Z", "+00:00"))
    return (begin + datetime.timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Arrival(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data, self.lake, self.truth_file = (self.folder / name for name in ("data", "lake", "truth.jsonl"))
        self.data.mkdir()
        (self.data / "Some_CL.jsonl").write_text(json.dumps(
            {"TimeGenerated": "2024-01-01T00:00:00Z", "N_d": -1, "Name_s": "old", "When_t": "2024-01-01"}) + "\n")

    def serve(self, *flags, tls=False, now=NOW):
        return Emulator(self.data, *(["--now", now] if now else []), *flags, tls=tls)

    def exporting(self, *flags, **options):
        return self.serve("--export-to", self.lake, "--export-truth", self.truth_file, "--export-delay", "0s",
                          *flags, **options)

    def put_rule(self, served, tables=("Some_CL",), method="PUT", **more):
        body = {"properties": {"tableNames": list(tables), "destination": {"resourceId":
                "/subscriptions/0/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/lake"}, **more}}
        status, _, answer = served.request(
            method, served.ready["resource_id"] + "/dataExports/rule?api-version=2020-08-01", body,
            served.bearer(scope="https://management.azure.com/.default"))
        self.assertIn(status, (200, 201), answer)

    def post(self, served, rows, table="Some_CL", headers=None, audience="https://monitor.azure.com", rule=None,
             stream=None):
        body = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
        path = (f"/dataCollectionRules/{rule or served.ready['ingestion_rule']}/streams/"
                f"{stream or 'Custom-' + table}?api-version=2023-01-01")
        status, _, answer = served.request("POST", path, body, {
            **served.bearer(scope=audience + "/.default"), "Content-Type": "application/json", **(headers or {})})
        return status, json.loads(answer)["error"]["code"] if answer else None

    def rows(self, served, query):
        status, body = served.query(query)
        self.assertEqual(status, 200, body)
        (table,) = body["tables"]
        return [dict(zip((column["name"] for column in table["columns"]), row)) for row in table["rows"]]

    def blobs(self):
        return {str(path.relative_to(self.lake)): path.read_text().splitlines()
                for path in sorted(self.lake.rglob("*.json"))}

    def lines(self):
        return [json.loads(line) for lines in self.blobs().values() for line in lines]

    def truth(self):
        return [json.loads(line) for line in self.truth_file.read_text().splitlines()]

    # --- the Logs Ingestion API ------------------------------------------------------------------

    def test_microsofts_client_brings_rows(self):
        with self.serve(tls=True) as served:
            client = LogsIngestionClient(served.ready["ingestion"], served.credential(),
                                         connection_verify=served.ca_file, retry_total=0)
            client.upload(served.ready["ingestion_rule"], "Custom-Some_CL", [
                {"TimeGenerated": minutes(-5), "N_d": n, "Name_s": "new", "When_t": "2024-02-01", "Other": 1}
                for n in range(5000)])
            with self.assertRaises(HttpResponseError) as caught:
                client.upload(served.ready["ingestion_rule"], "Custom-Nothing_CL", [{"N_d": 1}])
            self.assertEqual(caught.exception.error.code, "InvalidStream")
            found = self.rows(served, "Some_CL | extend Id = _ItemId, Came = ingestion_time(), Size = _BilledSize")
            new = [row for row in found if row["Name_s"] == "new"]
            self.assertEqual((len(found), len(new), len({row["Id"] for row in found})), (5001, 5000, 5001))
            self.assertEqual(sorted(row["N_d"] for row in new), list(range(5000)))
            self.assertEqual({(row["TimeGenerated"], row["Came"], row["Type"], row["When_t"]) for row in new},
                             {(minutes(-5), NOW, "Some_CL", "2024-02-01T00:00:00Z")})
            self.assertTrue(all(row["Size"] > 0 and row["TenantId"] == served.workspace for row in new))
        self.assertGreaterEqual(served.report["requests"]["ingest"], 2)

    def test_a_time_that_cannot_be_is_that_of_the_arrival(self):
        times = {minutes(-60): minutes(-60), "2024-05-30T12:02:30Z": "2024-05-30T12:02:30Z",
                 "2024-05-30T12:02:29Z": NOW, minutes(24 * 60): minutes(24 * 60), "2024-06-02T12:02:31Z": NOW}
        with self.serve() as served:
            self.assertEqual(self.post(served, [{"TimeGenerated": given, "Name_s": given} for given in times]), (204, None))
            self.assertEqual(self.post(served, [{"Name_s": "none"}]), (204, None))
            found = {row["Name_s"]: row["TimeGenerated"] for row in self.rows(served, "Some_CL | where Name_s != 'old'")}
        self.assertEqual(found, {**times, "none": NOW})

    def test_what_is_no_arrival_is_refused(self):
        rows = [{"N_d": 1}]
        with self.serve() as served:
            for wanted, body, options in (
                    ((401, "InvalidToken"), rows, {"audience": "https://management.azure.com"}),
                    ((404, "NotFound"), rows, {"rule": "dcr-0"}),
                    ((400, "InvalidStream"), rows, {"stream": "Some_CL"}),
                    ((400, "InvalidStream"), rows, {"stream": "Custom-some_cl"}),
                    ((400, "InvalidRequest"), b"no", {}),
                    ((400, "InvalidRequest"), b'{"N_d": 1}', {}),
                    ((400, "InvalidRequest"), b'[{"N_d": 1}, {"N_d":', {}),
                    ((415, "UnsupportedMediaType"), rows, {"headers": {"Content-Type": "text/plain"}}),
                    ((413, "ContentLengthLimitExceeded"), [{"Name_s": "x" * (1 << 20)}], {})):
                self.assertEqual(self.post(served, body, **options), wanted, (body, options) if len(body) < 99 else "")
            self.assertEqual(self.rows(served, "Some_CL | count"), [{"Count": 1}])
            packed = gzip.compress(json.dumps(rows).encode())
            self.assertEqual(self.post(served, packed, headers={"Content-Encoding": "gzip"}), (204, None))
            self.assertEqual(self.rows(served, "Some_CL | count"), [{"Count": 2}])

    # --- the continuous export -------------------------------------------------------------------

    def test_rows_go_to_the_folder_of_their_own_time(self):
        with self.exporting() as served:
            self.post(served, [{"TimeGenerated": minutes(-1), "Name_s": "before the rule"}])
            self.put_rule(served)
            self.post(served, [
                {"TimeGenerated": minutes(0), "N_d": 1, "Name_s": "a"},
                {"TimeGenerated": "2024-06-01T12:04:59.9999999Z", "N_d": 2.5, "Name_s": ""},
                {"TimeGenerated": minutes(-60 * 24), "N_d": 3, "Name_s": "late \"\u00fc"}])
            self.post(served, [{"TimeGenerated": minutes(0), "N_d": 4}])
            self.put_rule(served, enable=False)
            self.post(served, [{"TimeGenerated": minutes(0), "Name_s": "while it was off"}])
            seen = {row["N_d"]: row["Id"] for row in self.rows(served, "Some_CL | extend Id = _ItemId")}
            folder = "am-some-cl/WorkspaceResourceId=" + served.ready["resource_id"].lower()
        blobs = self.blobs()
        self.assertEqual(list(blobs), [folder + "/y=2024/m=05/d=31/h=12/m=00/PT05M.json",
                                       folder + "/y=2024/m=06/d=01/h=12/m=00/PT05M.json"])
        late, two, three, four = self.lines()
        self.assertEqual((late["Name_s"], late["TimeGenerated"]), ("late \"\u00fc", minutes(-60 * 24)))
        self.assertEqual((two["N_d"], three["N_d"], four["N_d"]), (1.0, 2.5, 4.0))
        self.assertNotIn("Name_s", three)
        for line in (late, two, three, four):
            self.assertEqual((line["Type"], line["TenantId"], line["_ItemId"]),
                             ("Some_CL", served.workspace, seen[line["N_d"]]))
            self.assertEqual(line["_Internal_WorkspaceResourceId"], served.ready["resource_id"])
        self.assertEqual(served.report["export"], {"error": "", "tables": {
            "Some_CL": {"rows": 4, "written": 4, "doubled": 0, "dropped": 0}}})

    def test_a_share_is_doubled_and_a_share_dropped(self):
        with self.exporting("--export-double", 0.2, "--export-drop", 0.1, "--seed", 3) as served:
            self.put_rule(served)
            for call in range(10):
                self.post(served, [{"TimeGenerated": minutes(-call), "N_d": 100 * call + n} for n in range(100)])
        written = collections.Counter(line["_ItemId"] for line in self.lines())
        truth = {row["item"]: row["written"] for row in self.truth()}
        self.assertEqual({item: n for item, n in truth.items() if n > 0}, dict(written))
        self.assertEqual(len(truth), 1000)
        figures = served.report["export"]["tables"]["Some_CL"]
        counts = collections.Counter(truth.values())
        self.assertEqual(figures, {"rows": 1000, "written": written.total(), "doubled": counts[2], "dropped": counts[0]})
        self.assertTrue(120 < counts[2] < 280 and 50 < counts[0] < 150, counts)

    def test_blobs_overflow_into_siblings(self):
        with self.exporting("--export-overflow", 4, "--export-name", "PT5M", "--export-no-ids") as served:
            self.put_rule(served)
            for first in (0, 3):
                self.post(served, [{"TimeGenerated": minutes(0), "N_d": first + n} for n in range(7 if first else 3)])
        blobs = {path.rsplit("/", 1)[1]: len(lines) for path, lines in self.blobs().items()}
        self.assertEqual(blobs, {"PT5M.json": 4, "PT5M_1.json": 4, "PT5M_2.json": 2})
        self.assertEqual(sorted(line["N_d"] for line in self.lines()), list(range(10)))
        self.assertFalse([line for line in self.lines() if "_ItemId" in line])

    def test_it_begins_some_time_after_the_rule(self):
        # A second is ten minutes.
        with self.serve("--export-to", self.lake, "--clock-speed", 600) as served:
            self.put_rule(served)
            number = 0
            deadline = time.monotonic() + WAIT_SECONDS
            while not self.lake.exists():
                self.assertLess(time.monotonic(), deadline)
                self.assertEqual(self.post(served, [{"N_d": number}]), (204, None))
                number += 1
            rule = served.request("GET", served.ready["resource_id"] + "/dataExports/rule?api-version=2020-08-01",
                                  None, served.bearer(scope="https://management.azure.com/.default"))[2]
            created = json.loads(rule)["properties"]["createdDate"]
        (line,) = self.lines()
        self.assertEqual(line["N_d"], number - 1)
        self.assertGreater(number, 1)
        self.assertGreater(self.tick(line["TimeGenerated"]) - self.tick(created), datetime.timedelta(minutes=29))

    @staticmethod
    def tick(text):
        return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z", r"\1+00:00", text).replace("Z", "+00:00"))

    def test_rows_of_files_arrive_as_the_clock_goes_on(self):
        (self.data / "Feed_CL.jsonl").write_text("".join(
            json.dumps({"TimeGenerated": minutes(n), "N_d": n}) + "\n" for n in range(-120, 120)))
        # Each second is an hour: all have arrived after two seconds and the longest delay of a row.
        with self.exporting("--clock-speed", 3600, "--late", "0:1m") as served:
            self.put_rule(served, ["feed_cl"])
            deadline = time.monotonic() + WAIT_SECONDS
            while self.rows(served, "Feed_CL | count")[0]["Count"] < 240:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            came = {row["Id"]: row["N_d"] for row in self.rows(served, "Feed_CL | extend Id = _ItemId")}
        lines = self.lines()
        self.assertEqual(len({line["_ItemId"] for line in lines}), len(lines))
        self.assertTrue(all(came[line["_ItemId"]] == line["N_d"] for line in lines))
        numbers = {line["N_d"] for line in lines}
        # What came before the rule is not there; from some minutes on all is.
        self.assertTrue(set(range(10, 120)) <= numbers, sorted(numbers))
        self.assertFalse(numbers & set(range(-120, -40)))
        self.assertEqual(served.report["export"]["tables"]["Feed_CL"]["written"], len(lines))

    def test_both_ways_of_arrival_meet_in_one_table(self):
        (self.data / "Feed_CL.jsonl").write_text("".join(
            json.dumps({"TimeGenerated": minutes(n), "N_d": n}) + "\n" for n in range(0, 60)))
        with self.exporting("--clock-speed", 3600, "--late", "0:1m") as served:
            self.put_rule(served, ["Feed_CL"])
            posted = 0
            deadline = time.monotonic() + WAIT_SECONDS
            while self.rows(served, "Feed_CL | where N_d >= 0 | count")[0]["Count"] < 60:
                self.assertLess(time.monotonic(), deadline)
                posted += 1
                self.assertEqual(self.post(served, [{"N_d": -posted}], "Feed_CL"), (204, None))
        numbers = collections.Counter(line["N_d"] for line in self.lines())
        self.assertEqual(numbers, collections.Counter(range(-posted, 60)) - collections.Counter([0]) +
                         collections.Counter([0]))

    def test_wrong_options_are_named(self):
        for flags in (("--export-double", "2"), ("--export-drop", "x"), ("--export-name", "../PT05M"),
                      ("--export-double", "0.6", "--export-drop", "0.6")):
            with self.assertRaisesRegex(RuntimeError, flags[0]):
                with self.exporting(*flags):
                    pass

    # --- a private workspace ---------------------------------------------------------------------

    def test_a_private_workspace_refuses_public_queries(self):
        with self.serve("--private") as served:
            status, body = served.query("Some_CL | count")
            self.assertEqual((status, body["error"]["code"], body["error"]["innererror"]["code"]),
                             (403, "InsufficientAccessError", "PublicNetworkAccessDisabled"))
            self.assertIn("private link", body["error"]["innererror"]["message"])
            self.assertEqual(served.token()[0], 200)


if __name__ == "__main__":
    unittest.main()

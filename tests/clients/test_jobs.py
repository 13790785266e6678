"""Search jobs and restores as the emulator's Resource Manager plays them."""

import json
import pathlib
import tempfile
import time
import unittest

from emulator import Emulator

NOW = "2024-06-01T00:00:00Z"
OLD, RECENT = "2024-01-10T00:00:00Z", "2024-05-30T00:00:00Z"


class Jobs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        rows = [{"TimeGenerated": f"2024-01-{1 + i % 28:02}T{i // 28:02}:00:00Z", "N_d": i, "Name_s": f"a{i % 3}"}
                for i in range(100)]
        rows.append({"TimeGenerated": RECENT, "N_d": 100, "Name_s": "recent"})
        (self.folder / "Some_CL.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (self.folder / "Aux_CL.jsonl").write_text(json.dumps(rows[0]) + "\n")

    def serve(self, *flags):
        return Emulator(self.folder, "--now", NOW, "--retention", "Some_CL=30d", "--plan",
                        "Aux_CL=Auxiliary", *flags, tls=False)

    def ask(self, served, method, path, body=None, conditional=False):
        headers = served.bearer(scope="https://management.azure.com/.default", conditional=conditional)
        path = path if path.startswith("/subscriptions") else served.ready["resource_id"] + path
        status, headers, body = served.request(method, path + ("" if "?" in path else "?api-version=2025-07-01"),
                                               body, headers)
        return status, headers, json.loads(body) if body else None

    def search(self, served, name="A_SRCH", query="Some_CL", start="2024-01-01", end="2024-02-01", **more):
        return self.ask(served, "PUT", "/tables/" + name, {"properties": {"searchResults": {
            "query": query, "startSearchTime": start, "endSearchTime": end, **more}}})

    def restore(self, served, name="A_RST", source="Some_CL", start="2024-01-01", end="2024-02-01"):
        return self.ask(served, "PUT", "/tables/" + name, {"properties": {"restoredLogs": {
            "sourceTable": source, "startRestoreTime": start, "endRestoreTime": end}}})

    def rows(self, served, query):
        status, body = served.query(query)
        self.assertEqual(status, 200, body)
        (table,) = body["tables"]
        return [dict(zip((column["name"] for column in table["columns"]), row)) for row in table["rows"]]

    def test_a_search_job_finds_what_queries_do_not_see(self):
        with self.serve() as served:
            self.assertEqual(self.rows(served, "Some_CL | count"), [{"Count": 1}])
            status, headers, made = self.search(served, query="Some_CL | where Name_s has 'a1'")
            self.assertEqual((status, made["name"]), (202, "A_SRCH"))
            for name in ("Azure-AsyncOperation", "Location"):
                self.assertTrue(headers[name].startswith(served.endpoint + "/subscriptions/"), headers[name])
            status, _, table = self.ask(served, "GET", "/tables/A_SRCH")
            properties = table["properties"]
            self.assertEqual((properties["provisioningState"], properties["schema"]["tableType"]),
                             ("Succeeded", "SearchResults"))
            self.assertEqual(properties["resultStatistics"]["ingestedRecords"], 33)
            self.assertGreater(properties["resultStatistics"]["scannedGb"], 0)
            self.assertEqual(properties["schema"]["searchResults"]["sourceTable"], "Some_CL")
            found = self.rows(served, "A_SRCH | extend Id = _ItemId")
            self.assertEqual(len(found), 33)
            self.assertEqual({row["TimeGenerated"] for row in found}, {NOW})
            self.assertEqual({(row["Type"], row["_OriginalType"]) for row in found}, {("A_SRCH", "Some_CL")})
            self.assertEqual(len({row["_OriginalItemId"] for row in found} | {row["Id"] for row in found}), 66)
            self.assertTrue(all(row["_OriginalTimeGenerated"].startswith("2024-01-") for row in found))
            self.assertEqual(sorted(row["N_d"] for row in found), [n for n in range(100) if n % 3 == 1])
            self.assertEqual(self.ask(served, "DELETE", "/tables/A_SRCH")[0], 202)
            self.assertEqual(self.ask(served, "GET", "/tables/A_SRCH")[0], 404)
            self.assertEqual(self.ask(served, "DELETE", "/tables/A_SRCH")[0], 404)
            self.assertEqual(served.query("A_SRCH")[0], 400)
            # The name is free again.
            self.assertEqual(self.search(served)[0], 202)
            self.assertEqual(self.rows(served, "A_SRCH | count"), [{"Count": 100}])
        first, second = served.report["jobs"]
        self.assertEqual((first["rows"], first["deleted"], second["rows"], second["deleted"]),
                         (33, True, 100, False))
        self.assertEqual(first["scanned"], second["scanned"])

    def test_its_range_is_half_open_and_its_columns_may_be_chosen(self):
        with self.serve() as served:
            self.search(served, query="Some_CL | project N_d, TimeGenerated | where N_d < 50",
                        start="2024-01-02", end="2024-01-03")
            (row,) = [row for row in self.rows(served, "A_SRCH") if row["N_d"] == 1]
            self.assertEqual((row["_OriginalType"], row["TimeGenerated"]), ("", NOW))
            self.assertEqual(self.rows(served, "A_SRCH | count"), [{"Count": 2}])

    def test_more_rows_than_the_limit_are_partial_success(self):
        with self.serve("--job-rows", 50) as served:
            self.search(served)
            self.search(served, "B_SRCH", limit=20)
            self.search(served, "C_SRCH", limit=70, end="2024-01-11")
            states = []
            for name in "ABC":
                properties = self.ask(served, "GET", f"/tables/{name}_SRCH")[2]["properties"]
                states.append((properties["provisioningState"], properties["resultStatistics"]["ingestedRecords"]))
                self.assertEqual(self.rows(served, f"{name}_SRCH | count"), [{"Count": states[-1][1]}])
            self.assertEqual(states, [("PartialSuccess", 50), ("PartialSuccess", 20), ("Succeeded", 40)])
        with self.serve("--job-rows", 50, "--job-silent") as served:
            self.search(served)
            self.assertEqual(self.ask(served, "GET", "/tables/A_SRCH")[2]["properties"]["provisioningState"],
                             "Succeeded")

    def test_it_takes_its_time_by_the_emulators_clock(self):
        # A second is an hour: the job takes half a minute of the machine's time, or is as good as done.
        with Emulator(self.folder, "--now", NOW, "--clock-speed", 3600, "--job-time", "30h", tls=False) as served:
            began = time.monotonic()
            _, headers, made = self.search(served)
            self.assertEqual(made["properties"]["provisioningState"], "Updating")
            path = headers["Azure-AsyncOperation"].removeprefix(served.endpoint)
            _, _, operation = self.ask(served, "GET", path)
            self.assertEqual(operation["status"], "InProgress")
            self.assertEqual(self.ask(served, "GET", headers["Location"].removeprefix(served.endpoint))[0], 202)
            while True:
                table = self.ask(served, "GET", "/tables/A_SRCH")[2]["properties"]
                if table["provisioningState"] == "InProgress":
                    break
                self.assertLess(time.monotonic() - began, 30)
            count = self.rows(served, "A_SRCH | count")[0]["Count"]
            self.assertGreaterEqual(count, table["resultStatistics"]["ingestedRecords"])
            self.assertLess(count, 100)

    def test_too_much_at_once_is_refused(self):
        with self.serve("--job-time", "1h", "--jobs-at-once", 2) as served:
            self.assertEqual([self.search(served, name)[0] for name in ("A_SRCH", "B_SRCH", "C_SRCH")],
                             [202, 202, 429])
            self.assertEqual(self.ask(served, "DELETE", "/tables/A_SRCH")[0], 202)
            self.assertEqual(self.search(served, "C_SRCH")[0], 202)
            self.assertEqual(self.search(served, "C_SRCH")[0], 409)

    def test_what_is_no_search_job_is_refused(self):
        with self.serve() as served:
            for fields in ({"name": "A"}, {"name": "A_RST"}, {"name": "1_SRCH"}, {"name": "A%22_SRCH"},
                           {"query": "Nothing"}, {"query": "Some_CL | count"}, {"query": "where true"},
                           {"query": "Some_CL | where Name_s contains 'a'"}, {"query": "union Some_CL"},
                           {"query": "Some_CL | where"}, {"query": ""}, {"start": "soon"},
                           {"start": "2024-02-01"}):
                status, _, body = self.search(served, **fields)
                self.assertEqual((status, "error" in body), (400, True), fields)
            self.assertEqual(self.ask(served, "PUT", "/tables/A_SRCH", b"{")[0], 400)
            self.assertEqual(self.ask(served, "DELETE", "/tables/Some_CL")[0], 404)
            # A word in a string is none of the query.
            self.assertEqual(self.search(served, query="Some_CL | where Name_s has 'contains | count'")[0], 202)
        self.assertEqual(len(served.report["jobs"]), 1)

    def test_it_reads_the_cheap_plans_and_no_more_than_is_kept(self):
        with self.serve("--total-retention", "Some_CL=135d,Aux_CL=400d") as served:
            self.search(served, "B_SRCH", "Aux_CL")
            self.assertEqual(self.rows(served, "B_SRCH | count"), [{"Count": 1}])
            # 135 days before the clock's 1 June are 18 January.
            self.search(served)
            found = self.rows(served, "A_SRCH | summarize min(_OriginalTimeGenerated)")
            self.assertGreaterEqual(next(iter(found[0].values())), "2024-01-18")
            properties = self.ask(served, "GET", "/tables/Some_CL")[2]["properties"]
            self.assertEqual((properties["retentionInDays"], properties["totalRetentionInDays"],
                              properties["archiveRetentionInDays"]), (30, 135, 105))

    def test_a_restore_is_a_view_of_its_source(self):
        with self.serve() as served:
            status, headers, made = self.restore(served, end="2024-01-06")
            self.assertEqual((status, made["properties"]["schema"]["tableType"]), (202, "RestoredLogs"))
            found = self.rows(served, "A_RST | extend Id = _ItemId, Came = ingestion_time()")
            self.assertEqual(len(found), 20)
            self.assertEqual({row["Type"] for row in found}, {"Some_CL"})
            self.assertTrue(all(row["TimeGenerated"] < "2024-01-06" for row in found))
            self.search(served, end="2024-01-06")
            originals = {row["_OriginalItemId"] for row in self.rows(served, "A_SRCH")}
            self.assertEqual({row["Id"] for row in found}, originals)
            self.assertEqual(self.restore(served, "B_RST")[0], 409)
            self.assertEqual(self.ask(served, "DELETE", "/tables/A_RST")[0], 202)
            for name in ("B_RST", "C_RST", "D_RST"):
                self.assertEqual(self.restore(served, name)[0], 202)
                self.assertEqual(self.ask(served, "DELETE", "/tables/" + name)[0], 202)
            self.assertEqual(self.restore(served, "E_RST")[0], 429)

    def test_what_is_no_restore_is_refused(self):
        with self.serve() as served:
            for fields in ({"end": "2024-01-02T23:59:59Z"}, {"source": "Aux_CL"}, {"source": "Nothing"},
                           {"name": "A_SRCH"}):
                self.assertEqual(self.restore(served, **fields)[0], 400, fields)
            self.assertEqual(self.restore(served, end="2024-01-03")[0], 202)

    def test_a_reader_may_not_start_one(self):
        with self.serve("--deny", "Aux_CL") as served:
            for method in ("PUT", "DELETE"):
                status, _, body = self.ask(served, method, "/tables/A_SRCH", {}, conditional=True)
                self.assertEqual((status, body["error"]["code"]), (403, "AuthorizationFailed"))


class Rules(unittest.TestCase):
    DESTINATION = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/lake"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        self.addCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "Some_CL.jsonl").write_text('{"TimeGenerated": "2024-05-01T00:00:00Z"}\n')
        self.served = Emulator(folder.name, "--now", NOW, tls=False)
        self.served.__enter__()
        self.addCleanup(self.served.__exit__)

    def ask(self, method, name="", body=None):
        headers = self.served.bearer(scope="https://management.azure.com/.default")
        status, _, body = self.served.request(
            method, f"{self.served.ready['resource_id']}/dataExports{name}?api-version=2020-08-01", body, headers)
        return status, json.loads(body) if body else None

    def put(self, name="/rule", account="", tables=("Some_CL",), **more):
        return self.ask("PUT", name, {"properties": {
            "destination": {"resourceId": self.DESTINATION + account}, "tableNames": list(tables), **more}})

    def test_a_rule_lives(self):
        self.assertEqual(self.ask("GET"), (200, {"value": []}))
        status, made = self.put()
        self.assertEqual(status, 201)
        properties = made["properties"]
        self.assertEqual((made["name"], properties["tableNames"], properties["enable"]), ("rule", ["Some_CL"], True))
        self.assertEqual(properties["createdDate"], "2024-06-01T00:00:00.0000000Z")
        self.assertEqual(properties["destination"], {"resourceId": self.DESTINATION, "type": "StorageAccount"})
        status, replaced = self.put("/RULE", tables=["Some_CL", "Other"], enable=False)
        self.assertEqual((status, replaced["properties"]["dataExportId"]), (200, properties["dataExportId"]))
        self.assertEqual(self.ask("GET", "/rule"), (200, replaced))
        self.assertEqual(self.ask("GET"), (200, {"value": [replaced]}))
        self.assertEqual([self.ask("DELETE", "/rule")[0] for _ in range(2)], [200, 404])
        self.assertEqual(self.ask("GET", "/rule")[0], 404)

    def test_a_rule_that_is_none_is_refused(self):
        for name in ("/abc", "/1abc", "/abc-", "/a_bc", "/" + "a" * 64, ""):
            self.assertEqual(self.put(name)[0], 400, name)
        self.assertEqual(self.put(tables=[])[0], 400)
        self.assertEqual(self.put(tables=[1])[0], 400)
        self.assertEqual(self.ask("PUT", "/rule", {"properties": {"tableNames": ["Some_CL"]}})[0], 400)
        self.assertEqual(self.ask("PUT", "/rule", b"no")[0], 400)
        self.assertEqual(self.ask("POST", "/rule", b"")[0], 405)

    def test_ten_are_active_each_with_its_own_account(self):
        for i in range(10):
            self.assertEqual(self.put(f"/rule{i}", str(i))[0], 201)
        self.assertEqual(self.put("/other", "3")[0], 409)
        self.assertEqual(self.put("/other", "x")[0], 400)
        self.assertEqual(self.put("/other", "x", enable=False)[0], 201)
        self.assertEqual(self.put("/rule3", "3")[0], 200)


if __name__ == "__main__":
    unittest.main()

"""Microsoft's own client, unchanged, against the emulator: what it reads is what the files hold."""

import concurrent.futures
import contextlib
import datetime
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.monitor.query import LogsBatchQuery, LogsQueryStatus

from emulator import BIN, Emulator

UTC = datetime.timezone.utc

COLUMNS = """
TimeGenerated datetime
Flag bool
Small int
Big long
Measure real
Price decimal
Seen datetime
Took timespan
Id guid
Text string
Bag dynamic
"""

ROWS = [
    {"TimeGenerated": "2024-05-01T00:00:00.0000001Z", "Flag": True, "Small": 2147483647,
     "Big": 9223372036854775807, "Measure": 0.1, "Price": "12345678901234567890.123456789",
     "Seen": "9999-12-31T23:59:59.9999999Z", "Took": "1.02:03:04.0000005",
     "Id": "5F3C1B6E-8A52-4D5F-9B1E-7C0A2E4D9F10", "Text": "naïve \"quoted\" \\ 雪 \U0001f98a\n\t\u0001",
     "Bag": {"a": [1, None, "x\"y"], "ü": 1.50}},
    {"TimeGenerated": "2024-05-01T00:00:01Z"},
    {"TimeGenerated": "2024-05-01T00:00:02.5Z", "Flag": False, "Small": -2147483648,
     "Big": -9223372036854775808, "Measure": -2.5e-300, "Price": "-0.5",
     "Seen": "0001-01-01T00:00:00Z", "Took": "-00:00:00.0000001",
     "Id": "00000000-0000-0000-0000-000000000000", "Text": "null", "Bag": "just text"},
]

EXPECTED = {
    "Flag": [True, None, False],
    "Small": [2147483647, None, -2147483648],
    "Big": [9223372036854775807, None, -9223372036854775808],
    "Measure": [0.1, None, -2.5e-300],
    "Price": ["12345678901234567890.123456789", None, "-0.5"],
    "Took": ["1.02:03:04.0000005", "None", "-00:00:00.0000001"],  # the client's str(None)
    "Id": ["5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10", "None", "00000000-0000-0000-0000-000000000000"],
    "Text": [ROWS[0]["Text"], "", "null"],
}

# Beats any machine: a query that needs far more than the second that it is given.
ENDLESS = "range x from 1 to 100000000000 step 1 | summarize max(x % 7)"


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class Folder(unittest.TestCase):
    """A folder of data for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        folder = pathlib.Path(cls.folder.name)
        (folder / "Every.columns").write_text(COLUMNS)
        (folder / "Every.jsonl").write_text(lines(ROWS), encoding="utf-8")
        (folder / "Many_CL.jsonl").write_text(lines(
            {"TimeGenerated": f"2024-05-01T{n // 60:02}:{n % 60:02}:00Z", "Number_d": n,
             "Name_s": f"row {n}"} for n in range(1000)))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def emulator(self, *flags, **options):
        return Emulator(self.folder.name, *flags, **options)

    def start_endless(self, served, pool):
        """A query that runs and goes on running, in an emulator that refuses a second one: the refusal is how one knows.
        What was refused, and what will be answered."""
        while True:
            running = pool.submit(served.query, ENDLESS)
            while not running.done():
                status, body = served.query("Every | count")
                if status == 429 and not running.done():
                    return body, running


class Reading(Folder):
    """What needs no special limits: one emulator for all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.served = Emulator(cls.folder.name, "--rate", 0, "--now", "2024-05-02")
        cls.served.__enter__()
        cls.client = cls.served.client()

    @classmethod
    def tearDownClass(cls):
        cls.served.__exit__()
        super().tearDownClass()

    def query(self, text, timespan=None, **options):
        return self.client.query_workspace(self.served.workspace, text, timespan=timespan, **options)

    def rows(self, text, timespan=None):
        answer = self.query(text, timespan)
        self.assertEqual(answer.status, LogsQueryStatus.SUCCESS)
        self.assertEqual([table.name for table in answer.tables], ["PrimaryResult"])
        return answer.tables[0]

    def test_every_type_arrives_as_it_is_in_the_file(self):
        table = self.rows("Every | sort by TimeGenerated asc")
        types = dict(zip(table.columns, table.columns_types))
        for line in COLUMNS.split("\n")[1:-1]:
            name, kind = line.split()
            self.assertEqual(types[name], kind)
        columns = {name: [row[name] for row in table.rows] for name in table.columns}
        for name, values in EXPECTED.items():
            self.assertEqual(columns[name], values, name)
        self.assertEqual(columns["TimeGenerated"][2],
                         datetime.datetime(2024, 5, 1, 0, 0, 2, 500000, UTC))
        self.assertEqual(json.loads(columns["Bag"][0]), ROWS[0]["Bag"])
        self.assertEqual(columns["Bag"][1:], [None, "just text"])
        self.assertEqual(columns["Type"], ["Every"] * 3)
        self.assertEqual(columns["TenantId"], [self.served.workspace] * 3)

    def test_every_tick_is_there(self):
        status, body = self.served.query("Every | sort by TimeGenerated asc | project TimeGenerated, Seen")
        self.assertEqual(status, 200)
        self.assertEqual(body["tables"][0]["rows"], [
            ["2024-05-01T00:00:00.0000001Z", "9999-12-31T23:59:59.9999999Z"],
            ["2024-05-01T00:00:01Z", None],
            ["2024-05-01T00:00:02.5Z", "0001-01-01T00:00:00Z"]])

    def test_reals_that_are_no_numbers_are_strings(self):
        status, body = self.served.query(
            'print a = real(nan), b = real(+inf), c = real(-inf), d = real(1), e = 1.0 / 3')
        self.assertEqual(status, 200)
        self.assertEqual(body["tables"][0]["rows"][0][:3], ["NaN", "Infinity", "-Infinity"])
        self.assertEqual(body["tables"][0]["rows"][0][3:], [1.0, 1 / 3])
        row = self.rows("print a = real(nan)").rows[0]
        self.assertTrue(math.isnan(float(row["a"])))

    def test_statistics_and_visualization_come_when_asked_for(self):
        plain = self.query("Many_CL | take 3")
        self.assertFalse(plain.statistics)
        full = self.query("Many_CL | take 3", include_statistics=True, include_visualization=True)
        self.assertEqual(full.statistics["query"]["datasetStatistics"][0]["tableRowCount"], 3)
        self.assertGreater(full.statistics["query"]["executionTime"], 0)
        self.assertIsNotNone(full.visualization)

    def test_timespan_narrows_every_table_both_ends_included(self):
        start = datetime.datetime(2024, 5, 1, 1, tzinfo=UTC)
        end = datetime.datetime(2024, 5, 1, 2, tzinfo=UTC)
        self.assertEqual(self.rows("Many_CL | count", (start, end)).rows[0][0], 61)
        self.assertEqual(self.rows("Many_CL | count", (start, end - start)).rows[0][0], 61)
        hour = datetime.timedelta(hours=1)
        self.assertEqual(self.rows("Many_CL | count", 24 * hour).rows[0][0], 1000)
        self.assertEqual(self.rows("Many_CL | count", hour).rows[0][0], 0)
        self.assertEqual(self.rows("Many_CL | count").rows[0][0], 1000)

    def test_timespans_of_address_and_body_intersect(self):
        path = (f"/v1/workspaces/{self.served.workspace}/query"
                "?timespan=2024-05-01T01:00:00Z/2024-05-01T03:00:00Z")
        headers = {**self.served.bearer(), "Content-Type": "application/json"}
        _, _, body = self.served.request("POST", path, {
            "query": "Many_CL | count", "timespan": "2024-05-01T02:00:00Z/PT9H"}, headers)
        self.assertEqual(json.loads(body)["tables"][0]["rows"], [[61]])

    def test_get_asks_by_parameters(self):
        path = (f"/v1/workspaces/{self.served.workspace}/query"
                "?query=Many_CL%20%7C%20count&timespan=2024-05-01T00:00:00Z/PT59M")
        status, headers, body = self.served.request("GET", path, headers=self.served.bearer())
        self.assertEqual((status, json.loads(body)["tables"][0]["rows"]), (200, [[60]]))
        self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")

    def test_a_batch_answers_each_by_its_id(self):
        workspace = self.served.workspace
        day = datetime.timedelta(days=1)
        answers = self.client.query_batch([
            LogsBatchQuery(workspace_id=workspace, query="Many_CL | count", timespan=day),
            LogsBatchQuery(workspace_id=workspace, query="Nothing | count", timespan=day),
            LogsBatchQuery(workspace_id=workspace, query="Every | count", timespan=None,
                           include_statistics=True),
        ])
        self.assertEqual([answer.status for answer in answers], [
            LogsQueryStatus.SUCCESS, LogsQueryStatus.FAILURE, LogsQueryStatus.SUCCESS])
        self.assertEqual(answers[0].tables[0].rows[0][0], 1000)
        self.assertEqual(answers[1].code, "BadArgumentError")
        self.assertEqual(answers[2].tables[0].rows[0][0], 3)
        self.assertTrue(answers[2].statistics)

    def test_a_resource_id_stands_for_its_workspace(self):
        answer = self.client.query_resource(self.served.ready["resource_id"], "Every | count",
                                            timespan=None)
        self.assertEqual(answer.tables[0].rows[0][0], 3)
        with self.assertRaises(HttpResponseError) as caught:
            self.client.query_resource("/subscriptions/0/resourceGroups/r/providers/a/b/c",
                                       "Every | count", timespan=None)
        self.assertEqual(caught.exception.status_code, 404)

    def test_hidden_columns_come_when_named(self):
        names = self.rows("Every").columns
        self.assertNotIn("_ItemId", names)
        self.assertNotIn("_TimeReceived", names)
        table = self.rows("Many_CL | project _ItemId, Name_s, TimeGenerated, _TimeReceived, "
                          "Late = ingestion_time()")
        self.assertEqual(len({row["_ItemId"] for row in table.rows}), 1000)
        for row in table.rows:
            self.assertRegex(row["_ItemId"], "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
            self.assertLess(row["TimeGenerated"], row["_TimeReceived"])
            self.assertTrue(row["Late"] is None or row["_TimeReceived"] <= row["Late"])

    def test_refused_kql_says_where(self):
        for text, inner, line, pos in (("Many_CL | where Nme_s == 'x'", "SemanticError", 1, 16),
                                       ("Many_CL\n| wher true", "SyntaxError", 2, 2),
                                       ("Nowhere | count", "SemanticError", 1, 0)):
            with self.subTest(text):
                with self.assertRaises(HttpResponseError) as caught:
                    self.query(text)
                self.assertEqual(caught.exception.status_code, 400)
                error = json.loads(caught.exception.response.text())["error"]
                self.assertEqual(error["code"], "BadArgumentError")
                self.assertEqual(error["innererror"]["code"], inner)
                innermost = error["innererror"]["innererror"]
                self.assertEqual((innermost["line"], innermost["pos"]), (line, pos))

    def test_metadata_lists_tables_and_columns(self):
        path = f"/v1/workspaces/{self.served.workspace}/metadata"
        status, _, body = self.served.request("GET", path, headers=self.served.bearer())
        self.assertEqual(status, 200)
        tables = {table["name"]: table for table in json.loads(body)["tables"]}
        self.assertEqual(sorted(tables), ["Every", "Many_CL", "Usage"])
        self.assertEqual(tables["Every"]["timespanColumn"], "TimeGenerated")
        self.assertIn({"name": "Bag", "type": "dynamic"}, tables["Every"]["columns"])
        self.assertIn({"name": "Number_d", "type": "real"}, tables["Many_CL"]["columns"])

    def test_a_post_without_json_is_answered_with_nothing(self):
        path = f"/v1/workspaces/{self.served.workspace}/query"
        body = json.dumps({"query": "Every"}).encode()
        for data, kind in ((body, "text/plain"), (b"", "application/json")):
            headers = {**self.served.bearer(), "Content-Type": kind}
            status, _, answer = self.served.request("POST", path, data, headers)
            self.assertEqual((status, answer), (200, b""))

    def test_wrong_addresses_are_told_apart(self):
        bearer = {**self.served.bearer(), "Content-Type": "application/json"}
        other = "00000000-0000-0000-0000-000000000001"
        for method, path, status, code in (
                ("POST", f"/v1/workspaces/{other}/query", 400, "BadArgumentError"),
                ("POST", f"/v1/workspaces/{self.served.workspace}/nothing", 404, "PathNotFoundError"),
                ("PUT", f"/v1/workspaces/{self.served.workspace}/query", 404, "PathNotFoundError"),
                ("GET", "/", 404, "PathNotFoundError")):
            with self.subTest(path):
                got, _, body = self.served.request(method, path, {"query": "Every"} if method == "POST"
                                                   else None, bearer)
                self.assertEqual((got, json.loads(body)["error"]["code"]), (status, code))


class SigningIn(Folder):
    def test_only_the_client_gets_a_token(self):
        with self.emulator() as served:
            status, body = served.token()
            self.assertEqual(status, 200)
            self.assertEqual((body["token_type"], body["expires_in"]), ("Bearer", 3600))
            self.assertEqual(body["access_token"].count("."), 2)
            status, body = served.token("/oauth2/token", scope=None,
                                        resource="https://api.loganalytics.io/")
            self.assertEqual((status, body["expires_in"], body["resource"]),
                             (200, "3600", "https://api.loganalytics.io"))
            for fields, wanted, number in (
                    ({"client_secret": "guess"}, 401, 7000215), ({"client_id": "x"}, 400, 700016),
                    ({"grant_type": "password"}, 400, 70003),
                    ({"scope": "https://storage.azure.com/read"}, 400, 70011),
                    ({"scope": "https://nothing.example/.default"}, 400, 500011)):
                status, body = served.token(**fields)
                self.assertEqual((status, body["error_codes"]), (wanted, [number]))

    def test_without_a_good_token_nothing_is_answered(self):
        with self.emulator("--token-life", "1s") as served:
            path = f"/v1/workspaces/{served.workspace}/query"
            kind = {"Content-Type": "application/json"}
            body = {"query": "Every | count"}
            status, headers, answer = served.request("POST", path, body, kind)
            self.assertEqual((status, json.loads(answer)["error"]["code"]),
                             (401, "AuthenticationFailed"))
            self.assertEqual(headers["WWW-Authenticate"], "Bearer")
            bearer = served.bearer()
            forged = {"Authorization": bearer["Authorization"][:-8] + "AAAAAAAA"}
            status, _, answer = served.request("POST", path, body, {**kind, **forged})
            self.assertEqual((status, json.loads(answer)["error"]["code"]), (403, "InvalidTokenError"))
            while status != 200 or b"TokenExpired" not in answer:
                status, _, answer = served.request("POST", path, body, {**kind, **bearer})
                if status == 403:
                    break
            self.assertEqual(json.loads(answer)["error"]["innererror"]["code"], "TokenExpired")

    def test_the_secret_is_in_a_file_of_its_own(self):
        with self.emulator() as served:
            secret = pathlib.Path(served.ready["client_secret_file"])
            self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
            self.assertNotIn(served.secret, served.ready_file.read_text())


class Limits(Folder):
    def test_rows_above_the_limit_are_a_partial_result(self):
        with self.emulator("--max-rows", 10) as served:
            answer = served.client().query_workspace(served.workspace, "Many_CL", timespan=None)
            self.assertEqual(answer.status, LogsQueryStatus.PARTIAL)
            self.assertEqual(len(answer.partial_data[0].rows), 10)
            self.assertEqual(answer.partial_error.code, "PartialError")
            _, body = served.query("Many_CL")
            inner = body["error"]["details"][0]["innererror"]
            self.assertEqual(inner["code"], "-2133196797")
            self.assertIn("exceed the set limit of 10 records", inner["message"])
        self.assertEqual(served.report["partial"], 2)

    def test_bytes_above_the_limit_are_a_partial_result(self):
        """The limit counts as estimate_data_size does, nulls and every type included."""
        for table, rows in (("Many_CL", 1000), ("Every", 3)):
            text = table + " | sort by TimeGenerated asc"
            with self.emulator() as served:
                _, body = served.query(text + " | summarize sum(estimate_data_size(*))")
                whole = body["tables"][0]["rows"][0][0]
            with self.emulator("--max-bytes", whole) as served:
                self.assertNotIn("error", served.query(text)[1])
            with self.emulator("--max-bytes", whole - 1) as served:
                _, body = served.query(text)
                self.assertEqual(len(body["tables"][0]["rows"]), rows - 1)
                self.assertIn(f"exceed the set limit of {whole - 1} bytes",
                              body["error"]["details"][0]["innererror"]["message"])

    def test_a_body_above_the_limit_is_an_error_known_by_its_text(self):
        with self.emulator("--max-json", 5000, "--max-json-status", 413) as served:
            status, body = served.query("Many_CL")
            self.assertEqual(status, 413)
            self.assertIn("Maximum response size of 5000 bytes exceeded", json.dumps(body))
            self.assertEqual(served.query("Many_CL | take 3")[0], 200)

    def test_a_query_over_its_time_is_a_gateway_timeout(self):
        with self.emulator() as served:
            with self.assertRaises(HttpResponseError) as caught:
                served.client().query_workspace(served.workspace, ENDLESS, timespan=None,
                                                server_timeout=1)
            self.assertEqual(caught.exception.status_code, 504)
            self.assertEqual(served.query("Every | count")[0], 200)
        self.assertEqual(served.report["timeouts"], 1)

    def test_the_rate_is_limited_and_the_client_waits_as_told(self):
        with self.emulator("--rate", 3, "--rate-window", "2s") as served:
            bearer = {**served.bearer(), "Content-Type": "application/json"}
            path = f"/v1/workspaces/{served.workspace}/query"
            body = {"query": "Every | count"}
            for _ in range(3):
                self.assertEqual(served.request("POST", path, body, bearer)[0], 200)
            status, headers, answer = served.request("POST", path, body, bearer)
            self.assertEqual((status, json.loads(answer)["error"]["code"]), (429, "ThrottledError"))
            self.assertIn(headers["Retry-After"], ("1", "2"))
            answer = served.client(retry_total=3).query_workspace(
                served.workspace, "Every | count", timespan=None)
            self.assertEqual(answer.tables[0].rows[0][0], 3)
        self.assertGreaterEqual(served.report["rate"], 2)

    def test_a_full_queue_is_refused(self):
        with self.emulator("--at-once", 1, "--queue", 0, "--wait", "2s", "--rate", 0) as served, \
                concurrent.futures.ThreadPoolExecutor() as pool:
            body, running = self.start_endless(served, pool)
            self.assertEqual(body["error"]["code"], "ThrottledError")
            self.assertEqual(running.result()[0], 504)
        self.assertEqual(served.report["at_once"], 1)
        self.assertGreaterEqual(served.report["full"], 1)


class Faults(Folder):
    def ask(self, fault, *flags):
        """What a client without patience sees of one fault that is met each time."""
        with self.emulator("--fault", f"{fault}:1", *flags) as served:
            try:
                return served.client().query_workspace(served.workspace, "Many_CL", timespan=None)
            finally:
                self.addCleanup(lambda: self.assertEqual(served.report["faults"][fault], 1))

    def test_refusals(self):
        for fault, status in (("429", 429), ("503", 503), ("token", 403), ("504", 504), ("500", 500),
                              ("queue", 429)):
            with self.subTest(fault), self.assertRaises(HttpResponseError) as caught:
                self.ask(fault)
            self.assertEqual(caught.exception.status_code, status)

    def test_a_reset_sends_nothing(self):
        with self.assertRaises(ServiceResponseError):
            self.ask("reset")

    def test_a_doubled_answer_is_whole_and_wrong(self):
        answer = self.ask("double")
        self.assertEqual(answer.status, LogsQueryStatus.SUCCESS)
        names = [row["Name_s"] for row in answer.tables[0].rows]
        self.assertEqual((len(names), len(set(names))), (1000, 999))

    def test_a_partial_fault_gives_fewer_rows_and_says_so(self):
        answer = self.ask("partial")
        self.assertEqual(answer.status, LogsQueryStatus.PARTIAL)
        self.assertLess(len(answer.partial_data[0].rows), 1000)

    def test_bodies_that_end_early_are_noticed(self):
        for fault in ("cut", "length"):
            with self.subTest(fault), self.assertRaises(Exception):
                self.ask(fault)

    def test_a_stall_ends(self):
        answer = self.ask("stall", "--stall-for", "100ms")
        self.assertEqual(len(answer.tables[0].rows), 1000)

    def test_the_same_seed_meets_the_same_faults(self):
        def run():
            with self.emulator("--fault", "429:0.3,503:0.3", "--seed", 5) as served:
                return [served.query("Every | count")[0] for _ in range(20)]
        first = run()
        self.assertEqual(first, run())
        self.assertEqual(set(first), {200, 429, 503})


class Lives(Folder):
    def test_item_ids_are_the_same_after_a_restart_in_any_order(self):
        folder = pathlib.Path(self.folder.name)
        text = (folder / "Many_CL.jsonl").read_text().splitlines(keepends=True)
        text += text[:5] * 2
        ids = []
        for order in (text, text[::-1]):
            with tempfile.TemporaryDirectory() as other:
                (pathlib.Path(other) / "Many_CL.jsonl").write_text("".join(order))
                with Emulator(other) as served:
                    _, body = served.query("Many_CL | project _ItemId, Number_d")
                    ids.append(sorted(body["tables"][0]["rows"]))
        self.assertEqual(len({row[0] for row in ids[0]}), 1010)
        self.assertEqual(ids[0], ids[1])

    def test_it_leaves_nothing_behind_but_what_was_asked_for(self):
        with self.emulator() as served:
            served.query("Every | count")
        beside = ("ca.pem", "client.pem", "federated", "msi", "secret")
        self.assertEqual(served.left_over, ["log.jsonl", *("ready.json." + name for name in beside),
                                            "report.json", "stderr"])
        self.assertEqual(served.log[0]["query"], "Every | count")
        self.assertEqual(served.report["requests"]["query"], 1)

    def test_it_ends_while_a_query_runs(self):
        with self.emulator("--at-once", 1, "--queue", 0, "--rate", 0) as served, \
                concurrent.futures.ThreadPoolExecutor() as pool:
            _, running = self.start_endless(served, pool)
            served.terminate()
            self.assertLess(served.wait(), 30)
            with contextlib.suppress(Exception):
                running.result()
        self.assertEqual(served.report["timeouts"], 1)

    def test_it_ends_while_it_loads(self):
        with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as scratch:
            row = json.dumps({"TimeGenerated": "2024-01-01", **{f"C{n}_s": str(n) for n in range(50)}})
            (pathlib.Path(data) / "Wide_CL.jsonl").write_text((row + "\n") * 100000)
            process = subprocess.Popen([BIN / "weir-emulator", "serve", "--data", data, "--scratch", scratch],
                                       stderr=subprocess.PIPE, text=True)
            while not list(pathlib.Path(scratch).glob("*/workspace.duckdb")):
                self.assertIsNone(process.poll())
            process.terminate()
            said = process.communicate(timeout=60)[1]
            if process.returncode != 0:  # else it was quicker
                self.assertEqual((process.returncode, said),
                                 (130, "weir-emulator: interrupted before it was ready\n"))
            self.assertEqual(os.listdir(scratch), [])

    def test_it_ends_with_its_parent(self):
        script = ("import subprocess, sys; process = subprocess.Popen(sys.argv[1:]); "
                  "print(process.pid, flush=True); sys.stdin.read()")
        with tempfile.TemporaryDirectory() as scratch:
            parent = subprocess.Popen(
                [sys.executable, "-c", script, BIN / "weir-emulator", "serve", "--data", self.folder.name,
                 "--exit-with-parent", "--quiet", "--scratch", scratch],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            child = int(parent.stdout.readline())
            while not list(pathlib.Path(scratch).glob("*/workspace.duckdb")):
                os.kill(child, 0)
            parent.kill()
            parent.communicate()
            with contextlib.suppress(ProcessLookupError):
                while os.listdir(scratch):
                    os.kill(child, 0)
            self.assertEqual(os.listdir(scratch), [])

    def test_an_empty_workspace_has_no_content(self):
        with tempfile.TemporaryDirectory() as empty, Emulator(empty, tls=False) as served:
            self.assertEqual(served.query("Every | count"), (204, None))


if __name__ == "__main__":
    unittest.main()

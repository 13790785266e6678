"""What the emulator does to single tables: plans, retention, conditions, rows that come late, the bill."""

import concurrent.futures
import json
import pathlib
import tempfile
import unittest
import urllib.parse

from azure.core.exceptions import HttpResponseError

from emulator import Emulator

HOURS = 48
ROWS = 4800
ROLES = "/providers/Microsoft.Authorization/roleAssignments"


def row(n):
    second = n * 3600 * HOURS // ROWS
    return {"TimeGenerated": f"2024-05-{1 + second // 86400:02}T{second // 3600 % 24:02}:{second // 60 % 60:02}:"
                             f"{second % 60:02}Z", "N_d": n, "Host_s": "abc"[n % 3], "Text_s": "x" * (n % 7)}


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        for name, count in (("Plain_CL", ROWS), ("Cheap_CL", ROWS), ("Other_CL", 100)):
            (pathlib.Path(cls.folder.name) / f"{name}.jsonl").write_text(
                "".join(json.dumps(row(n)) + "\n" for n in range(count)))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def emulator(self, *flags):
        return Emulator(self.folder.name, "--rate", 0, *flags)

    def rows(self, served, text, headers=None, **fields):
        status, body = served.query(text, headers, **fields)
        self.assertEqual(status, 200, body)
        return body["tables"][0]["rows"]

    def refused(self, answer):
        status, body = answer
        return status, body["error"]["innererror"]["code"]

    def table(self, served, name):
        _, token = served.token(scope="https://management.azure.com/.default")
        _, _, body = served.request(
            "GET", f"{served.ready['resource_id']}/tables/{name}?api-version=2025-07-01", None,
            {"Authorization": "Bearer " + token["access_token"]})
        return json.loads(body)["properties"]


class Plans(Rules):
    def test_a_cheap_table_is_read_by_search_alone_and_each_pass_counts(self):
        with self.emulator("--plan", "Cheap_CL=Basic,Other_CL=auxiliary") as served:
            day = {"timespan": "2024-05-01T00:00:00Z/2024-05-01T23:59:59.9999999Z"}
            self.assertEqual(self.refused(served.query("Cheap_CL | count")),
                             (400, "UnsupportedTablePlanError"))
            with self.assertRaises(HttpResponseError):
                served.client().query_workspace(served.workspace, "Cheap_CL", timespan=None)
            self.assertEqual(self.refused(served.search("Cheap_CL | count")),
                             (400, "QueryValidationError"))
            self.assertEqual(self.refused(served.search("union Cheap_CL, Other_CL", **day)),
                             (400, "QueryValidationError"))
            status, body = served.search("Cheap_CL | count", **day)
            self.assertEqual((status, body["tables"][0]["rows"]), (200, [[ROWS // 2]]))
            _, body = served.search("Cheap_CL | summarize sum(_BilledSize)", **day)
            size = body["tables"][0]["rows"][0][0]
            # A pass costs the whole timespan, whatever it gives.
            self.assertEqual(served.search("Cheap_CL | where N_d < 0", **day)[0], 200)
            self.assertEqual(served.search("union Cheap_CL, Plain_CL | count", **day)[0], 200)
            self.assertEqual([self.table(served, name)["plan"] for name in ("Cheap_CL", "Other_CL", "Plain_CL")],
                             ["Basic", "Auxiliary", "Analytics"])
        self.assertEqual(served.report["plans"], {
            "Cheap_CL": {"plan": "Basic", "passes": 4, "bytes": int(4 * size)},
            "Other_CL": {"plan": "Auxiliary", "passes": 0, "bytes": 0}})
        self.assertEqual(served.report["requests"]["search"], 6)

    def test_a_strict_search_takes_its_time_from_the_timespan(self):
        text = "Cheap_CL | where TimeGenerated >= datetime(2024-05-01) | count"
        for flags, wanted in (([], 200), (["--strict-search"], 400)):
            with self.emulator("--plan", "Cheap_CL=Basic", *flags) as served:
                self.assertEqual(served.search(text, timespan="2024-05-01/P1D")[0], wanted)
                self.assertEqual(served.search("Cheap_CL | count", timespan="2024-05-01/P1D")[0], 200)

    def test_two_searches_run_at_once_and_the_others_wait(self):
        with self.emulator("--plan", "Cheap_CL=Basic", "--latency", "100ms") as served, \
                concurrent.futures.ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(served.search, "Cheap_CL | count", timespan="P9999D") for _ in range(6)]
            self.assertEqual([each.result()[0] for each in asked], [200] * 6)
        self.assertLessEqual(served.report["searches"]["at_once"], 2)
        self.assertGreaterEqual(served.report["searches"]["queued"], 1)

    def test_rules_that_make_no_sense_are_refused(self):
        for flags, said in ((["--plan", "Nowhere=Basic"], "--plan: there is no table 'Nowhere'"),
                            (["--plan", "Cheap_CL=Gold"], "'Gold' is not Analytics, Basic or Auxiliary"),
                            (["--retention", "Cheap_CL"], "'Cheap_CL' is not TABLE=VALUE"),
                            (["--condition", "Cheap_CL | summarize count()"], "more than `where`"),
                            (["--condition", "Cheap_CL | where Nothing == 1"], "--condition"),
                            (["--deny", "Cheap"], "--deny: there is no table 'Cheap'"),
                            (["--late", "2:1m"], "--late"), (["--clock-speed", "5"], "needs --now")):
            with self.subTest(flags), self.assertRaisesRegex(RuntimeError, "did not start") as caught:
                with self.emulator(*flags):
                    pass
            self.assertIn(said, str(caught.exception))


class Time(Rules):
    def test_rows_older_than_their_retention_are_not_there(self):
        with self.emulator("--now", "2024-05-08T00:00:00Z", "--retention", "Plain_CL=6d") as served:
            self.assertEqual(self.rows(served, "Plain_CL | summarize count(), min(TimeGenerated)"),
                             [[ROWS // 2, "2024-05-02T00:00:00Z"]])
            self.assertEqual(self.rows(served, "Cheap_CL | count"), [[ROWS]])
            self.assertEqual(self.rows(served, "union Plain_CL, Cheap_CL | count"), [[ROWS // 2 + ROWS]])
            self.assertEqual(self.table(served, "Plain_CL")["retentionInDays"], 6)

    def test_a_clock_that_runs_lets_rows_come_and_go(self):
        with self.emulator("--now", "2024-05-01T12:00:00Z", "--clock-speed", 72000,
                           "--retention", "Plain_CL=12h") as served:
            seen = []
            while not seen or seen[-1][1] < "2024-05-03T12:40:00Z":
                seen.append(self.rows(served, "Plain_CL | summarize n = count(), least = min(N_d) | "
                                              "project n, now(), least")[0])
            # Two days have a row each 36 s; half of one is kept. At the end all came and all went.
            self.assertEqual(seen[-1][0], 0)
            self.assertGreater(max(n for n, _, _ in seen), 0)
            self.assertLessEqual(max(n for n, _, _ in seen), ROWS // 4 + 1)
            self.assertEqual(sorted(seen, key=lambda one: one[1]), seen)
            least = [one[2] for one in seen if one[0] > 0]
            self.assertEqual(sorted(least), least)

    def test_rows_come_after_their_stamp_and_some_come_late(self):
        moment = "2024-05-02T00:00:00Z"
        with self.emulator("--now", moment, "--late", "0.5:20m") as served:
            here = {n for (n,) in self.rows(served, "Plain_CL | project N_d")}
        with self.emulator("--late", "0.5:20m") as served:
            stamped = self.rows(served, f"Plain_CL | where ingestion_time() <= datetime({moment}) | project N_d")
            unstamped = self.rows(served, "Plain_CL | where isnull(ingestion_time()) and TimeGenerated < "
                                          "datetime(2024-05-01T23:30:00) | project N_d")
        stamped = {n for (n,) in stamped}
        self.assertLessEqual({n for (n,) in unstamped}, here)
        # 20 min have 33 rows; half of them come late, on average after a half of that time.
        late = stamped - here
        self.assertGreaterEqual(len(late), 3)
        self.assertLessEqual(len(late), 40)
        self.assertLess(max(here), ROWS // 2 + 1)

    def test_with_the_default_clock_everything_is_there(self):
        with self.emulator() as served:
            self.assertEqual(self.rows(served, "Plain_CL | count"), [[ROWS]])


class Conditions(Rules):
    CONDITION = 'Plain_CL | where Host_s == "a" and Text_s != ";" ; Other_CL | where N_d < 10'

    def test_the_second_client_sees_less_without_a_word(self):
        with self.emulator("--condition", self.CONDITION) as served:
            less = served.bearer(conditional=True)
            count = "Plain_CL | summarize count(), dcount(_ItemId), countif(isnull(ingestion_time()))"
            whole, seen = self.rows(served, count)[0], self.rows(served, count, less)[0]
            self.assertEqual((whole[0], seen[0]), (ROWS, ROWS // 3))
            self.assertLessEqual(seen[2], whole[2])
            hosts = self.rows(served, "Plain_CL | project Host_s, _ItemId, _BilledSize", less)
            self.assertEqual({host for host, _, _ in hosts}, {"a"})
            self.assertEqual(self.rows(served, "Other_CL | count", less), [[10]])
            self.assertEqual(self.rows(served, "Cheap_CL | count", less), [[ROWS]])
            self.assertEqual(self.rows(served, "union Plain_CL, Other_CL | count", less), [[ROWS // 3 + 10]])
            usage = "Usage | summarize sum(Quantity) by DataType | sort by DataType asc"
            self.assertEqual(self.rows(served, usage, less), self.rows(served, usage))
            _, body = served.query("Plain_CL | take 1", {**less, "Prefer": "include-permissions=true"})
            self.assertEqual(body["permissions"]["dataSources"][0]["denyTables"], [])

    def test_its_role_has_a_condition(self):
        with self.emulator("--condition", self.CONDITION) as served:
            _, _, body = self.roles(served)
            roles = {role["name"]: role["properties"] for role in json.loads(body)["value"]}
            self.assertNotIn("condition", roles[served.ready["client_id"]])
            self.assertIn("Plain_CL", roles[served.ready["conditional_client_id"]]["condition"])

    def roles(self, served):
        status, token = served.token(conditional=True, scope="https://management.azure.com/.default")
        self.assertEqual(status, 200)
        return served.request("GET", served.ready["resource_id"] + ROLES + "?" +
                              urllib.parse.urlencode({"api-version": "2022-04-01"}), None,
                              {"Authorization": "Bearer " + token["access_token"]})

    def test_a_denied_table_is_named_and_refused(self):
        with self.emulator("--deny", "Plain_CL") as served:
            less = served.bearer(conditional=True)
            status, body = served.query("Plain_CL | count", less)
            self.assertEqual((status, body["error"]["code"]), (403, "InsufficientAccessError"))
            for who, denied in ((less, ["Plain_CL"]), (None, [])):
                _, body = served.query("Cheap_CL | take 1", {**(who or {}), "Prefer": "include-permissions=true"})
                self.assertEqual(body["permissions"]["dataSources"][0]["denyTables"], denied)
            self.assertEqual(self.rows(served, "Plain_CL | count"), [[ROWS]])

    def test_without_a_condition_there_is_no_second_client(self):
        with self.emulator() as served:
            self.assertNotIn("conditional_client_id", served.ready)


class Bill(Rules):
    def test_the_billed_size_is_that_of_the_values_as_text(self):
        with self.emulator() as served:
            for n, size, billable in self.rows(served, "Plain_CL | where N_d in (0, 8, 1234) | "
                                                       "project N_d, _BilledSize, _IsBillable"):
                text = len(f"{n:.1f}") + 1 + int(n) % 7
                self.assertEqual((size, billable),
                                 (len(served.workspace) + len("2024-05-01T00:00:00.0000000Z") + text, "true"))
            self.assertNotIn("_BilledSize", served.client().query_workspace(
                served.workspace, "Plain_CL | take 1", timespan=None).tables[0].columns)

    def test_usage_tells_each_hour_of_each_table(self):
        with self.emulator() as served:
            usage = self.rows(served, 'Usage | where DataType == "Plain_CL" | summarize count(), sum(Quantity), '
                                      'min(StartTime), max(EndTime), countif(EndTime - StartTime != 1h), '
                                      'countif(TimeGenerated != EndTime), countif(QuantityUnit != "MBytes")')[0]
            billed = self.rows(served, "Plain_CL | summarize sum(_BilledSize)")[0][0]
            hours = self.rows(served, "Plain_CL | summarize bytes = sum(_BilledSize) by "
                                      "h = bin(coalesce(ingestion_time(), TimeGenerated), 1h) | sort by h asc")
            told = self.rows(served, 'Usage | where DataType == "Plain_CL" | sort by StartTime asc | '
                                     'project StartTime, Quantity')
        self.assertAlmostEqual(usage[1] * 1e6, billed, places=3)
        self.assertIn(usage[0], (HOURS, HOURS + 1))
        self.assertEqual((usage[2], usage[4:]), ("2024-05-01T00:00:00Z", [0, 0, 0]))
        self.assertEqual([hour for hour, _ in told], [hour for hour, _ in hours])
        for (_, quantity), (_, size) in zip(told, hours):
            self.assertAlmostEqual(quantity * 1e6, size, places=3)

    def test_usage_of_files_stands_and_may_be_left_out(self):
        with self.emulator("--no-usage") as served:
            self.assertEqual(served.query("Usage | count")[0], 400)
        with tempfile.TemporaryDirectory() as other:
            (pathlib.Path(other) / "Usage.jsonl").write_text(json.dumps(
                {"TimeGenerated": "2024-05-01", "DataType": "Syslog", "Quantity": 5}) + "\n")
            with Emulator(other) as served:
                self.assertEqual(self.rows(served, "Usage | project DataType, Quantity"), [["Syslog", 5.0]])


if __name__ == "__main__":
    unittest.main()

"""Resource Manager as the emulator plays it: the workspace, its tables, the roles on it."""

import base64
import json
import pathlib
import tempfile
import unittest
import urllib.parse

from emulator import Emulator

ROLES = "/providers/Microsoft.Authorization/roleAssignments"


class Management(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        (pathlib.Path(cls.folder.name) / "Some_CL.jsonl").write_text(
            '{"TimeGenerated": "2024-05-01T00:00:00Z", "Name_s": "a", "N_d": 1, "When_t": "2024-05-01"}\n')
        cls.served = Emulator(cls.folder.name)
        cls.served.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.served.__exit__()
        cls.folder.cleanup()

    def get(self, path, served=None, headers=None, **parameters):
        served = served or self.served
        if headers is None:
            token = served.credential().get_token("https://management.azure.com/.default").token
            headers = {"Authorization": "Bearer " + token}
        parameters = {"api-version": "2025-07-01", **parameters}
        query = urllib.parse.urlencode({name: value for name, value in parameters.items() if value})
        self.assertEqual(served.ready["management"], served.endpoint)
        status, _, body = served.request("GET", path + ("?" + query if query else ""), None, headers)
        return status, json.loads(body)

    def code(self, path, served=None, headers=None, **parameters):
        status, body = self.get(path, served, headers, **parameters)
        return status, body["error"]["code"]

    def test_the_workspace_has_its_id(self):
        path = self.served.ready["resource_id"]
        for spelled in (path, path.lower(), path.upper(), path + "/"):
            status, body = self.get(spelled)
            self.assertEqual(status, 200)
            self.assertEqual(body["properties"]["customerId"], self.served.workspace)
            self.assertEqual(body["name"], self.served.ready["workspace_name"])

    def test_a_table_tells_plan_retention_and_columns(self):
        status, body = self.get(self.served.ready["resource_id"] + "/tables/some_cl")
        self.assertEqual((status, body["name"]), (200, "Some_CL"))
        properties = body["properties"]
        self.assertEqual(properties["plan"], "Analytics")
        self.assertGreater(properties["retentionInDays"], 4000)
        columns = {column["name"]: column["type"] for column in properties["schema"]["columns"]}
        self.assertEqual((columns["N_d"], columns["When_t"], columns["TimeGenerated"]),
                         ("real", "dateTime", "dateTime"))
        status, body = self.get(self.served.ready["resource_id"] + "/tables")
        self.assertIn("Some_CL", [table["name"] for table in body["value"]])
        self.assertEqual(self.code(self.served.ready["resource_id"] + "/tables/Other"),
                         (404, "ResourceNotFound"))

    def test_the_token_names_the_one_whose_roles_are_told(self):
        token = self.served.credential().get_token("https://management.azure.com/.default").token
        claims = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        status, body = self.get(self.served.ready["resource_id"] + ROLES, **{
            "$filter": f"assignedTo('{claims['oid']}')"})
        self.assertEqual(status, 200)
        (role,) = body["value"]
        self.assertEqual(role["properties"]["principalId"], claims["oid"])
        self.assertNotIn("condition", role["properties"])
        status, body = self.get(self.served.ready["resource_id"] + ROLES, **{
            "$filter": "atScope() and assignedTo('00000000-0000-0000-0000-000000000000')"})
        self.assertEqual((status, body["value"]), (200, []))

    def test_what_is_wrong_is_refused_in_its_own_way(self):
        path = self.served.ready["resource_id"]
        self.assertEqual(self.code(path, **{"api-version": None}), (400, "MissingApiVersionParameter"))
        self.assertEqual(self.code(path, headers={}), (401, "AuthenticationFailed"))
        self.assertEqual(self.code(path, headers=self.served.bearer()),
                         (401, "InvalidAuthenticationTokenAudience"))
        self.assertEqual(self.code(path, headers={"Authorization": "Bearer a.b.c"}),
                         (401, "InvalidAuthenticationToken"))
        self.assertEqual(self.code("/subscriptions/0"), (404, "ResourceNotFound"))
        self.assertEqual(self.code(path + "x"), (404, "ResourceNotFound"))
        self.assertEqual(self.code(path + "/dataExports/none"), (404, "ResourceNotFound"))

    def test_its_token_is_not_good_for_queries(self):
        status, body = self.served.token(scope="https://management.azure.com/.default")
        self.assertEqual(status, 200)
        status, _, body = self.served.request(
            "POST", f"/v1/workspaces/{self.served.workspace}/query", {"query": "Some_CL"},
            {"Authorization": "Bearer " + body["access_token"], "Content-Type": "application/json"})
        self.assertEqual((status, json.loads(body)["error"]["code"]),
                         (403, "InvalidAuthenticationTokenAudience"))

    def test_it_may_refuse_everybody(self):
        with Emulator(self.folder.name, "--no-arm") as served:
            for path in ("", "/tables", "/tables/Some_CL", ROLES):
                self.assertEqual(self.code(served.ready["resource_id"] + path, served),
                                 (403, "AuthorizationFailed"))
        self.assertEqual(served.report["requests"]["arm"], 4)


if __name__ == "__main__":
    unittest.main()

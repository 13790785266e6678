"""weir check: what lacks is told with what to do, all of it in one run, and nothing else fails for it."""
import json
import unittest

from harness import Canned, Emulator, Weir, generate

OTHER = "8ecf8077-cf51-4820-aadd-14040956f35d"


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = generate("Syslog", rows=50, days=1)
        cls.emulator = cls.enterClassContext(Emulator(cls.data, "--device", "approve"))

    def check(self, status, *words, weir=None, env=None):
        """The lines of a check by name."""
        weir = weir or Weir(self.emulator)
        done = weir.run("check", "--output", "json", *words, env=env)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return {line["check"]: line for line in json.loads(done.stdout)}

    def assert_lacks(self, lines, name, *says):
        self.assertEqual(lines[name]["state"], "lacks", lines)
        for part in says:
            self.assertIn(part, f"{lines[name]['what']} {lines[name]['todo']}")

    def test_what_is_set_up_is_ok(self):
        lines = self.check(0)
        for name in ("settings", "sign-in", "tenant", "workspace", "Resource Manager", "lake", "limits"):
            self.assertEqual(lines[name]["state"], "ok", lines[name])
        self.assertEqual(lines["sign-in: settings"]["state"], "used")
        order = [name for name in lines if name.startswith("sign-in: ")]
        self.assertEqual(order, ["sign-in: settings", "sign-in: environment", "sign-in: workload identity",
                                 "sign-in: managed identity", "sign-in: Azure CLI", "sign-in: device code"])
        self.assertIn(self.emulator.info["tenant"], lines["tenant"]["what"])

    def test_nothing_set_up_tells_all_that_lacks(self):
        lines = self.check(1, weir=Weir(), env={"WEIR_SIGN_IN": "environment"})
        self.assert_lacks(lines, "settings", "workspace-id", "weir init")
        self.assert_lacks(lines, "sign-in", "nobody is signed in")
        self.assertEqual(lines["lake"]["state"], "ok")
        self.assertNotIn("workspace", lines)

    def test_a_wrong_secret_is_told_at_its_source(self):
        lines = self.check(1, env={"WEIR_CLIENT_SECRET": "env:WRONG", "WRONG": "hunter2-is-wrong"})
        self.assert_lacks(lines, "sign-in: settings", "AADSTS7000215")
        self.assert_lacks(lines, "sign-in", "nobody is signed in")
        self.assertNotIn("hunter2", json.dumps(lines))

    def test_a_resource_of_another_workspace_is_told(self):
        lines = self.check(1, "--workspace-id", OTHER)
        self.assert_lacks(lines, "workspace", "")
        self.assert_lacks(lines, "Resource Manager", OTHER, self.emulator.info["workspace_id"])

    def test_resource_manager_is_good_to_have(self):
        weir = Weir(self.emulator)
        lines = self.check(0, weir=weir, env={"WEIR_MANAGEMENT_ENDPOINT": "http://127.0.0.1:1"})
        self.assertEqual(lines["Resource Manager"]["state"], "warns")
        settings = weir.folder / "weir.yaml"
        settings.write_text("".join(line for line in settings.read_text().splitlines(True) if "management" not in line))
        lines = self.check(0, weir=weir)
        self.assertEqual(lines["Resource Manager"]["state"], "off")

    def test_a_token_of_another_tenant_warns(self):
        lines = self.check(1, env={"WEIR_TENANT": OTHER})
        self.assertNotEqual(lines["sign-in: settings"]["state"], "used")

    def test_a_lake_that_cannot_be_written(self):
        weir = Weir(self.emulator)
        (weir.folder / "file").write_text("")
        lines = self.check(1, "--lake", weir.folder / "file", weir=weir)
        self.assert_lacks(lines, "lake", "")
        lines = self.check(1, "--lake", "http://127.0.0.1:1/account/container", "--storage-key", "env:NONE", weir=weir)
        self.assert_lacks(lines, "lake", "NONE")

    def test_a_workspace_that_is_closed_to_public_networks(self):
        body = json.dumps({"error": {"code": "InsufficientAccessError", "message": "Access is not allowed from public network"}})
        with Canned(403, body) as canned:
            lines = self.check(1, weir=Weir(), env={**canned.environment(), "WEIR_RESOURCE_ID": "/subscriptions/s"})
        self.assert_lacks(lines, "workspace", "public network", "private link scope")

    def test_a_role_that_ends_is_told(self):
        role = {"endDateTime": "2001-02-03T04:05:06Z", "expandedProperties": {"roleDefinition": {"displayName": "Night Reader"}}}
        other = {"expandedProperties": {"roleDefinition": {"displayName": "Reader"}}}
        weir = Weir(self.emulator)
        with Canned(200, json.dumps({"value": [{"properties": other}, {"properties": role}]})) as manager:
            where = {"WEIR_MANAGEMENT_ENDPOINT": manager.url}
            lines = self.check(0, weir=weir, env=where)
            self.assertEqual(lines["role"]["state"], "warns")
            self.assertIn("'Night Reader' on the workspace ends at 2001-02-03 04:05", lines["role"]["what"])
            done = weir.run("export", "Syslog", "--end", "2021-11-08", "--days", "1", env=where)
        self.assertIn("the role 'Night Reader' of this identity on the workspace ends at 2001-02-03", done.stderr)

    def test_people_read_a_line_for_each(self):
        weir = Weir(self.emulator)
        done = weir.run("check", "--output", "table", "--workspace-id", "nonsense")
        self.assertEqual(done.returncode, 1)
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith("settings             lacks   workspace-id is not a GUID"), done.stdout)
        self.assertTrue(any(line.startswith("  settings           used ") for line in lines), done.stdout)
        self.assertTrue(all(line == line.rstrip() for line in lines), done.stdout)

    def test_the_device_code_is_shown_even_to_quiet_people(self):
        """A line tells what to type in where; the emulator's person approves after the first poll."""
        weir = Weir()
        weir.ok("init", "--from-emulator", self.emulator.ready, "--sign-in", "device")
        self.assertNotIn("client-secret", (weir.folder / "weir.yaml").read_text())
        done = weir.run("tables", "--quiet", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("code", done.stderr)
        lines = self.check(0, weir=weir)
        self.assertEqual(lines["sign-in"]["state"], "ok")


if __name__ == "__main__":
    unittest.main()

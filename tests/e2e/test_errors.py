"""Bad input: a clear error each, the right exit status, nothing half-written."""
import json
import os
import shutil
import socket
import subprocess
import unittest

from harness import BIN, Canned, Emulator, Folder, Weir

RANGE = ["--end-date", "2021-11-07"]


def data():
    folder = Folder().path
    subprocess.run([BIN / "weir-emulator", "generate", "--table", "Syslog", "--days", "1", "--rows", "500",
                    "--seed", "3", "--end", "2021-11-08", "--out", folder], check=True, capture_output=True)
    (folder / "truth.json").unlink()
    (folder / "NoTime_CL.jsonl").write_text('{"a_s":"x"}\n{"a_s":"y"}\n')
    return folder


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = data()
        cls.emulator = Emulator(cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.emulator.stop()

    def setUp(self):
        self.weir = Weir(self.emulator)

    def refused(self, status, *words, says=(), weir=None, env=None):
        weir = weir or self.weir
        done = weir.run(*words, env=env)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("weir: ") or "\nweir: " in done.stderr, done.stderr)
        left = [p for p in weir.lake.glob("am-*/**/*") if p.is_file()] if weir.lake.exists() else []
        self.assertEqual(left, [])
        return done

    def test_unknown_table_names_the_nearest(self):
        self.refused(1, "export", "Sylog", *RANGE, says=["'Sylog'", "did you mean 'Syslog'?"])

    def test_kql_that_does_not_parse_shows_where(self):
        self.refused(2, "export", "--query", "Syslog | where Facility ===", "--as", "X", *RANGE, says=["1:", "^"])

    def test_kql_that_is_refused_shows_where(self):
        done = self.refused(2, "export", "--query", "Syslog | summarize count() by Facility", "--as", "X", *RANGE,
                            says=["'summarize'", "1:10", "--one-batch"])
        self.assertIn("^^^^^^^^^", done.stderr)

    def test_query_of_an_unknown_column(self):
        self.weir.ok("export", "Syslog", *RANGE)
        done = self.weir.run("query", "Syslog | where Facilty == 'auth'")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Facility", done.stderr)

    def test_a_query_needs_a_name(self):
        self.refused(2, "export", "--query", "Syslog", *RANGE, says=["--as NAME"])

    def test_a_query_must_keep_the_time(self):
        self.refused(1, "export", "--query", "Syslog | project Facility", "--as", "X", *RANGE, says=["TimeGenerated"])

    def test_a_range_is_needed_and_has_three_forms(self):
        self.refused(2, "export", "Syslog", says=["--days", "--start", "--lookback-days"])

    def test_a_range_the_wrong_way_round(self):
        self.refused(2, "export", "Syslog", "--start", "2021-11-08", "--end", "2021-11-07", says=["wrong way round"])

    def test_a_start_in_the_future(self):
        self.refused(2, "export", "Syslog", "--start", "2099-01-01", says=["future"])

    def test_a_workspace_id_that_is_no_guid(self):
        self.refused(2, "export", "Syslog", *RANGE, "--workspace-id", "contoso", says=["'contoso' is not a GUID"])

    def test_a_table_without_time(self):
        self.refused(1, "export", "NoTime_CL", *RANGE, says=["TimeGenerated"])

    def test_a_hostile_table_name_leaves_no_trace(self):
        self.refused(2, "export", "../../evil", *RANGE)
        self.assertFalse((self.weir.folder / "evil").exists())

    def test_a_lake_that_cannot_be_written(self):
        blocked = self.weir.folder / "file"
        blocked.write_text("not a folder")
        self.refused(1, "export", "Syslog", *RANGE, "--lake", blocked / "lake", says=[str(blocked)])

    def test_no_credential_says_what_was_tried(self):
        weir = Weir()
        info = self.emulator.info
        self.refused(1, "tables", "--workspace-id", info["workspace_id"], weir=weir,
                     env={"WEIR_ENDPOINT": info["endpoint"], "WEIR_AUTHORITY": info["authority"],
                          "WEIR_AUDIENCE": info["audience"]},
                     says=["tried", "AZURE_CLIENT_ID"])

    def test_a_wrong_secret_is_refused_and_not_shown(self):
        self.refused(1, "export", "Syslog", *RANGE, env={"BAD": "topsecretvalue", "WEIR_CLIENT_SECRET": "env:BAD"},
                     says=["AADSTS"])
        done = self.weir.run("export", "Syslog", *RANGE, "-v",
                             env={"BAD": "topsecretvalue", "WEIR_CLIENT_SECRET": "env:BAD"})
        self.assertNotIn("topsecretvalue", done.stdout + done.stderr)

    def test_a_secret_by_value_is_refused(self):
        done = self.refused(2, "export", "Syslog", *RANGE, env={"WEIR_CLIENT_SECRET": "plainvalue"}, says=["env:"])
        self.assertNotIn("plainvalue", done.stderr)

    def test_a_secret_file_that_others_can_read(self):
        secret = self.weir.folder / "secret"
        secret.write_text("x")
        secret.chmod(0o644)
        self.refused(2, "export", "Syslog", *RANGE, env={"WEIR_CLIENT_SECRET": f"file:{secret}"}, says=["chmod"])

    def test_an_emulator_that_is_not_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.refused(1, "export", "Syslog", *RANGE,
                     env={"WEIR_ENDPOINT": f"http://127.0.0.1:{port}", "WEIR_AUTHORITY": f"http://127.0.0.1:{port}"},
                     says=[str(port)])

    def test_an_unknown_setting_names_line_and_nearest(self):
        path = self.weir.folder / "weir.yaml"
        path.write_text(path.read_text() + '    lkae: "x"\n')
        lines = path.read_text().count("\n")
        self.refused(2, "export", "Syslog", *RANGE, says=[f"line {lines}", "'lkae'", "'lake'"])

    def test_a_missing_ready_file_says_how_to_get_one(self):
        weir = Weir()
        self.refused(1, "init", "--from-emulator", "nowhere.json", weir=weir, says=["nowhere.json", "weir-emulator serve"])

    def test_settings_are_not_replaced_by_accident(self):
        self.refused(2, "init", "--from-emulator", self.emulator.ready, says=["--force"])

    def test_unknown_options_and_commands(self):
        self.refused(2, "exprot", says=["'export'"])
        self.refused(2, "export", "--dyas", "3", says=["--days"])

    def test_a_query_over_an_empty_lake(self):
        self.refused(2, "query", "Syslog | count", says=["not in the lake"])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "needs a file system of its own")
    def test_a_full_disk(self):
        full = self.weir.folder / "full"
        full.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", full]).returncode != 0:
            self.skipTest("no file system of its own can be mounted here")
        try:
            done = self.weir.run("export", "Syslog", *RANGE, "--lake", full / "lake")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("No space left on device", done.stderr)
            whole = [p for p in full.glob("lake/am-*/**/*") if p.is_file()]
            self.assertTrue(all(p.name == "PT05M_weir.json" and p.read_bytes().endswith(b"\n") for p in whole))
        finally:
            subprocess.run(["umount", full], check=True)


class Answers(unittest.TestCase):
    """What the service may send that is no answer."""

    def asked(self, status, body, kind="application/json"):
        service = self.enterContext(Canned(status, body, kind))
        done = Weir().run("query", "T | count", "--engine", "workspace", env=service.environment())
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertTrue(done.stderr.startswith("weir: "), done.stderr)
        return done

    def test_a_page_of_a_proxy(self):
        done = self.asked(200, "<html><body>Sign in to the \x1b[31mproxy</body></html>", "text/html")
        self.assertIn("JSON", done.stderr)
        self.assertNotIn("\x1b", done.stderr)

    def test_a_row_with_fewer_values_than_columns(self):
        done = self.asked(200, '{"tables":[{"name":"PrimaryResult","columns":[{"name":"a","type":"long"},'
                               '{"name":"b","type":"long"}],"rows":[[1,2],[3]]}]}')
        self.assertIn("2", done.stderr)

    def test_no_access(self):
        done = self.asked(403, '{"error":{"code":"InsufficientAccessError","message":"The provided credentials have '
                               'insufficient access to perform the requested operation"}}')
        self.assertIn("insufficient access", done.stderr)

    def test_a_token_that_is_refused_again_and_again(self):
        done = self.asked(401, '{"error":{"code":"AuthenticationFailed","message":"Authentication failed"}}')
        self.assertIn("Authentication failed", done.stderr)

    def test_a_dynamic_that_is_no_json_stays_in_its_value(self):
        sent = ['1,"admin":true', "a\nb", '{ "a" :\n 1.10 }', {"b": [1, 2]}, ""]
        body = {"tables": [{"name": "PrimaryResult", "columns": [{"name": n, "type": "dynamic"} for n in "defgh"],
                            "rows": [sent]}]}
        service = self.enterContext(Canned(200, json.dumps(body)))
        for form in ("jsonl", "json"):
            done = Weir().run("query", "T", "--engine", "workspace", "--output", form, env=service.environment())
            self.assertEqual(done.returncode, 0, done.stderr)
            (line,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
            self.assertEqual(line, r'{"d":"1,\"admin\":true","e":"a\nb","f":{"a":1.10},"g":{"b":[1,2]},"h":null}')


if __name__ == "__main__":
    unittest.main(verbosity=2)

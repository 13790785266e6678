"""Signing in, each way against weir-emulator, and secrets in its Key Vault. `weir check` explains, `weir tables` proves."""
import json
import os
import stat
import unittest
import urllib.parse

from azurite import Azurite, CloudWeir, new_key
from harness import Emulator, Folder, Weir, generate

TABLE = "Syslog"


class Base(unittest.TestCase):
    FLAGS = ()

    @classmethod
    def setUpClass(cls):
        cls.data = generate(TABLE, rows=200, days=1)
        cls.emulator = cls.enterClassContext(Emulator(cls.data, "--rate", 0, *cls.FLAGS))
        cls.info = cls.emulator.info

    def setUp(self):
        self.weir = Weir()
        self.home = Folder().path

    def base(self, **more):
        """The workspace, and nothing of how to sign in: no settings file, no home, no `az` on the path, and this machine's
        own metadata service, if it has one, is out of reach."""
        info = self.info
        fixed = {"WEIR_WORKSPACE_ID": info["workspace_id"], "WEIR_RESOURCE_ID": info["resource_id"],
                 "WEIR_ENDPOINT": info["endpoint"], "WEIR_AUDIENCE": info["audience"], "WEIR_AUTHORITY": info["authority"],
                 "WEIR_MANAGEMENT_ENDPOINT": info["management"], "WEIR_TENANT": info["tenant"], "HOME": str(self.home),
                 "PATH": f"{self.home}:/usr/bin:/bin", "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}
        return {**fixed, **{name: str(value) for name, value in more.items()}}

    def secret(self):
        with open(self.info["client_secret_file"]) as file:
            return file.read().strip()

    def signs_in(self, source, **settings):
        env = self.base(**settings)
        tables = self.weir.run("tables", "-o", "json", env=env)
        self.assertEqual(tables.returncode, 0, tables.stderr)
        self.assertIn(TABLE, [row["table"] for row in json.loads(tables.stdout)])
        check = self.weir.run("check", env=env)
        self.assertIn(source, check.stdout + check.stderr)
        return check

    def fails(self, *words, **settings):
        done = self.weir.run("tables", env=self.base(**settings))
        self.assertIn(done.returncode, (1, 2), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done


class Sources(Base):
    def test_settings_with_a_secret(self):
        self.signs_in("settings", WEIR_CLIENT_ID=self.info["client_id"],
                      WEIR_CLIENT_SECRET=f"file:{self.info['client_secret_file']}")

    def test_settings_with_a_certificate(self):
        self.signs_in("settings", WEIR_CLIENT_ID=self.info["client_id"],
                      WEIR_CERTIFICATE=f"file:{self.info['client_certificate_file']}")

    def test_settings_with_a_federated_token(self):
        self.signs_in("settings", WEIR_CLIENT_ID=self.info["client_id"],
                      WEIR_FEDERATED_TOKEN_FILE=self.info["federated_token_file"])

    def test_the_environment_with_a_secret(self):
        self.signs_in("environment", AZURE_CLIENT_ID=self.info["client_id"], AZURE_TENANT_ID=self.info["tenant"],
                      AZURE_CLIENT_SECRET=self.secret())

    def test_the_environment_with_a_certificate(self):
        self.signs_in("environment", AZURE_CLIENT_ID=self.info["client_id"], AZURE_TENANT_ID=self.info["tenant"],
                      AZURE_CLIENT_CERTIFICATE_PATH=self.info["client_certificate_file"])

    def test_a_workload_identity(self):
        self.signs_in("workload", AZURE_CLIENT_ID=self.info["client_id"], AZURE_TENANT_ID=self.info["tenant"],
                      AZURE_FEDERATED_TOKEN_FILE=self.info["federated_token_file"],
                      AZURE_AUTHORITY_HOST=self.info["authority"], WEIR_SIGN_IN="workload")

    def test_the_identity_of_a_virtual_machine(self):
        self.signs_in("managed identity", AZURE_POD_IDENTITY_AUTHORITY_HOST=self.info["imds"])

    def test_a_user_assigned_identity_by_both_of_its_ids(self):
        for name in "user_identity_client_id", "user_identity_resource_id":
            self.signs_in("managed identity", AZURE_POD_IDENTITY_AUTHORITY_HOST=self.info["imds"],
                          WEIR_MANAGED_IDENTITY=self.info[name])

    def test_the_identity_of_an_app_service(self):
        with open(self.info["msi_header_file"]) as file:
            header = file.read().strip()
        self.signs_in("managed identity", IDENTITY_ENDPOINT=self.info["msi_endpoint"], IDENTITY_HEADER=header)

    def az(self, script):
        path = self.home / "az"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def test_the_azure_cli(self):
        answers = {audience: {"accessToken": self.emulator.token(audience)["access_token"], "expires_on": 4102444800, "tokenType": "Bearer",
                              "expiresOn": "2100-01-01 00:00:00.000000", "tenant": self.info["tenant"]}
                   for audience in (self.info["audience"], "https://management.azure.com")}
        lines = [f"*{audience}*) cat <<'END'\n{json.dumps(answer)}\nEND\n;;" for audience, answer in answers.items()]
        self.az('echo "$*" >>' + str(self.home / "asked") + '\ncase "$*" in\n' + "\n".join(lines) + "\nesac")
        self.signs_in("Azure CLI", WEIR_SIGN_IN="cli")
        asked = (self.home / "asked").read_text()
        self.assertIn("account get-access-token", asked)
        self.assertIn(self.info["tenant"], asked)

    def test_what_the_azure_cli_says_is_passed_on(self):
        self.az("echo 'ERROR: AADSTS70043: The refresh token has expired' >&2; exit 1")
        self.fails("AADSTS70043", "az login", WEIR_SIGN_IN="cli")

    def test_a_device_code(self):
        done = self.weir.run("tables", "-o", "json", env=self.base(WEIR_SIGN_IN="device",
                                                                  WEIR_CLIENT_ID=self.info["public_client_id"]))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("code", done.stderr)

    def test_a_failure_tells_each_source_in_order(self):
        done = self.fails("environment", "workload", "managed identity", "Azure CLI", WEIR_SIGN_IN="auto",
                          AZURE_CLIENT_ID=self.info["client_id"])
        places = [done.stderr.index(name) for name in ("environment", "workload", "managed identity", "Azure CLI")]
        self.assertEqual(places, sorted(places))

    def test_a_wrong_secret_is_told_by_the_authority_s_code(self):
        self.fails("AADSTS7000215", WEIR_CLIENT_ID=self.info["client_id"], WEIR_CLIENT_SECRET="env:WRONG", WRONG="not it")


class Declined(Base):
    FLAGS = ("--device", "decline")

    def test_a_device_code_that_is_declined(self):
        self.fails("declined", WEIR_SIGN_IN="device", WEIR_CLIENT_ID=self.info["public_client_id"])


class ShortTokens(Base):
    """Tokens that live for seconds are renewed as the work goes on."""

    FLAGS = ("--token-life", "2s", "--latency", "100ms")

    def test_an_export_outlives_its_token(self):
        weir = Weir(self.emulator)
        weir.ok("export", TABLE, "--end-date", "2021-11-07", "--batch-span", "30m", "--max-queries", 1)
        self.assertEqual(sum(1 for _ in weir.rows(TABLE)), 200)


class References(Base):
    """A secret is named, never given."""

    @classmethod
    def setUpClass(cls):
        folder = Folder().path
        cls.key = new_key()
        (folder / "key").write_text(cls.key)
        cls.FLAGS = ("--secret", f"storage-key={folder / 'key'}")
        super().setUpClass()

    def test_the_account_s_key_comes_from_a_key_vault(self):
        azurite = self.enterContext(Azurite(keys=[self.key, new_key()]))
        vault = urllib.parse.urlsplit(self.info["vault"]).netloc
        weir = CloudWeir(self.emulator, azurite, settings={"WEIR_STORAGE_KEY": f"keyvault://{vault}/storage-key"})
        weir.ok("export", TABLE, "--end-date", "2021-11-07")
        self.assertIn("am-syslog", azurite.containers())

    def test_a_secret_that_the_vault_does_not_have(self):
        vault = urllib.parse.urlsplit(self.info["vault"]).netloc
        weir = Weir(self.emulator)
        done = weir.run("lake", "ls", "--lake", "http://127.0.0.1:9/account", "--storage-key", f"keyvault://{vault}/nothing")
        self.assertIn(done.returncode, (1, 2))
        self.assertIn("SecretNotFound", done.stderr)

    def test_a_value_in_place_of_a_reference_is_refused_with_the_three_ways(self):
        for option in "storage-key", "storage-sas", "client-secret":
            done = self.weir.run("tables", f"--{option}", "pa55word-of-nobody", env=self.base(WEIR_CLIENT_ID="a"))
            self.assertEqual(done.returncode, 2, done.stderr)
            for way in "env:", "file:", "keyvault://":
                self.assertIn(way, done.stderr)
            self.assertNotIn("pa55word", done.stderr)

    def test_a_file_that_others_may_read_is_refused(self):
        path = Folder().path / "secret"
        path.write_text(self.secret())
        path.chmod(0o644)
        done = self.fails("chmod", WEIR_CLIENT_ID=self.info["client_id"], WEIR_CLIENT_SECRET=f"file:{path}")
        self.assertNotIn(self.secret(), done.stderr)
        os.chmod(path, 0o600)
        self.signs_in("settings", WEIR_CLIENT_ID=self.info["client_id"], WEIR_CLIENT_SECRET=f"file:{path}")


if __name__ == "__main__":
    unittest.main(verbosity=2)

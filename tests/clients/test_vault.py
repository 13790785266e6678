"""The Key Vault as Microsoft's azure-keyvault-secrets asks it."""

import json
import pathlib
import tempfile
import unittest

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from emulator import Emulator


class Vault(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"
        self.data.mkdir()
        (self.data / "Some_CL.jsonl").write_text('{"TimeGenerated": "2024-05-01T00:00:00Z"}\n')
        self.file = self.folder / "key"
        self.file.write_text("first\n")
        self.flags = ("--secret", f"storage-key={self.file},other={self.folder / 'none'}")

    def client(self, served):
        return SecretClient(served.ready["vault"], served.credential(), connection_verify=served.ca_file,
                            verify_challenge_resource=False)

    def test_a_secret_is_read_and_rotated(self):
        with Emulator(self.data, *self.flags) as served:
            client = self.client(served)
            first = client.get_secret("storage-key")
            self.assertEqual((first.value, first.properties.enabled), ("first", True))
            self.assertRegex(first.properties.version, "^[0-9a-f]{32}$")
            self.file.write_text("second")
            second = client.get_secret("Storage-Key")
            self.assertEqual(second.value, "second")
            self.assertNotEqual(second.properties.version, first.properties.version)
            self.assertEqual(client.get_secret("storage-key", first.properties.version).value, "first")
        # The first request goes without a token, and learns from the answer where tokens are had.
        self.assertEqual(served.report["requests"]["vault"], 4)

    def test_what_is_not_there_is_told_apart_from_what_is_forbidden(self):
        with Emulator(self.data, *self.flags) as served:
            client = self.client(served)
            for name in ("nothing", "other"):
                with self.assertRaises(ResourceNotFoundError) as caught:
                    client.get_secret(name)
                self.assertEqual(caught.exception.error.code, "SecretNotFound")
            with self.assertRaises(ResourceNotFoundError):
                client.get_secret("storage-key", "0" * 32)
            self.file.write_text("")
            with self.assertRaises(HttpResponseError) as caught:
                client.get_secret("storage-key")
            self.assertEqual((caught.exception.status_code, caught.exception.error.innererror["code"]),
                             (403, "SecretDisabled"))
        with Emulator(self.data, *self.flags, "--no-vault") as served:
            with self.assertRaises(HttpResponseError) as caught:
                self.client(served).get_secret("storage-key")
            self.assertEqual((caught.exception.status_code, caught.exception.error.code), (403, "Forbidden"))

    def test_the_challenge_names_authority_and_resource(self):
        with Emulator(self.data, *self.flags, tls=False) as served:
            for headers in ({}, served.bearer()):
                status, answer, body = served.request("GET", "/secrets/storage-key?api-version=7.4",
                                                      None, headers)
                self.assertEqual((status, json.loads(body)["error"]["code"]), (401, "Unauthorized"))
                self.assertEqual(answer["WWW-Authenticate"],
                                 f'Bearer authorization="{served.endpoint}/{served.ready["tenant"]}", '
                                 'resource="https://vault.azure.net"')

    def test_a_wrong_list_is_told(self):
        for wrong in ("a", "a=", "a_b=f", "=f"):
            with self.assertRaisesRegex(RuntimeError, "--secret: "):
                with Emulator(self.data, "--secret", wrong):
                    pass


if __name__ == "__main__":
    unittest.main()

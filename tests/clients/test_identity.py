"""Microsoft's azure-identity signs in to the emulator in every way that its users do."""

import base64
import json
import logging
import os
import pathlib
import tempfile
import threading
import time
import unittest
from unittest import mock

import jwt
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (CertificateCredential, ClientAssertionCredential, CredentialUnavailableError,
                            DeviceCodeCredential, ManagedIdentityCredential, WorkloadIdentityCredential)
from azure.monitor.query import LogsQueryClient
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import load_pem_x509_certificate

from emulator import Emulator

SCOPE = "https://api.loganalytics.io/.default"
STORAGE = "https://storage.azure.com/.default"
logging.getLogger("azure").setLevel(logging.CRITICAL)  # refusals are asked for here

VARIABLES = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "AZURE_CLIENT_ID",
             "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST",
             "AZURE_POD_IDENTITY_AUTHORITY_HOST")


def claims(token):
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def thumbprint(certificate, algorithm):
    return base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).decode().rstrip("=")


class Identity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weir-test-data.")
        (pathlib.Path(cls.folder.name) / "Some_CL.jsonl").write_text(
            '{"TimeGenerated": "2024-05-01T00:00:00Z", "Name_s": "a"}\n')
        cls.served = Emulator(cls.folder.name)
        cls.served.__enter__()
        cls.ready = cls.served.ready

    @classmethod
    def tearDownClass(cls):
        cls.served.__exit__()
        cls.folder.cleanup()

    def setUp(self):
        patch = mock.patch.dict(os.environ)
        patch.start()
        self.addCleanup(patch.stop)
        for name in VARIABLES:
            os.environ.pop(name, None)

    def options(self, served=None):
        served = served or self.served
        return {"authority": served.ready["authority"], "disable_instance_discovery": True,
                "connection_verify": served.ca_file}

    def assert_reads(self, credential, client=None, audience=SCOPE):
        """The credential's token is the client's, and the workspace takes it."""
        token = claims(credential.get_token(audience).token)
        self.assertEqual(token["aud"] + "/.default", audience)
        self.assertEqual(token["tid"], self.ready["tenant"])
        if client:
            self.assertEqual(token["appid"], client)
        reader = LogsQueryClient(credential, endpoint=self.served.endpoint,
                                 connection_verify=self.served.ca_file, retry_total=0)
        answer = reader.query_workspace(self.served.workspace, "Some_CL | count", timespan=None)
        self.assertEqual(answer.tables[0].rows[0][0], 1)
        return token

    # --- the application -------------------------------------------------------------------------

    def test_a_secret(self):
        self.assert_reads(self.served.credential(), self.ready["client_id"])

    def test_a_certificate(self):
        for chain in (False, True):
            credential = CertificateCredential(self.ready["tenant"], self.ready["client_id"],
                                               self.ready["client_certificate_file"],
                                               send_certificate_chain=chain, **self.options())
            self.assert_reads(credential, self.ready["client_id"])

    def test_another_certificate_is_refused(self):
        key = rsa.generate_private_key(65537, 2048)
        own = pathlib.Path(self.ready["client_certificate_file"]).read_bytes()
        with tempfile.NamedTemporaryFile() as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
            file.write(load_pem_x509_certificate(own).public_bytes(serialization.Encoding.PEM))
            file.flush()
            credential = CertificateCredential(self.ready["tenant"], self.ready["client_id"], file.name,
                                               **self.options())
            with self.assertRaisesRegex(ClientAuthenticationError, "AADSTS700027"):
                credential.get_token(SCOPE)

    def test_workload_identity(self):
        credential = WorkloadIdentityCredential(
            tenant_id=self.ready["tenant"], client_id=self.ready["client_id"],
            token_file_path=self.ready["federated_token_file"], **self.options())
        self.assert_reads(credential, self.ready["client_id"])

    def test_workload_identity_by_its_variables(self):
        os.environ.update(AZURE_TENANT_ID=self.ready["tenant"], AZURE_CLIENT_ID=self.ready["client_id"],
                          AZURE_FEDERATED_TOKEN_FILE=self.ready["federated_token_file"],
                          AZURE_AUTHORITY_HOST=self.ready["authority"])
        self.assert_reads(ManagedIdentityCredential(**self.options()), self.ready["client_id"])

    def assertion(self, algorithm="RS256", key=None, header=None, **fields):
        """What the client might sign itself, each part of it by default as it should be."""
        pem = pathlib.Path(self.ready["client_certificate_file"]).read_bytes()
        certificate = load_pem_x509_certificate(pem)
        digest = (hashes.SHA1(), "x5t") if algorithm == "RS256" else (hashes.SHA256(), "x5t#S256")
        body = {"aud": f"{self.ready['authority']}/{self.ready['tenant']}/oauth2/v2.0/token",
                "iss": self.ready["client_id"], "sub": self.ready["client_id"],
                "nbf": int(time.time()), "exp": int(time.time()) + 600, **fields}
        return jwt.encode({name: value for name, value in body.items() if value is not None},
                          key or serialization.load_pem_private_key(pem, None), algorithm,
                          {digest[1]: thumbprint(certificate, digest[0]), **(header or {})})

    def federated(self, **fields):
        return self.assertion(header={"x5t": None}, **{
            "iss": "https://oidc.weir.example/emulator", "sub": "system:serviceaccount:weir:exporter",
            "aud": "api://AzureADTokenExchange", **fields})

    def numbers(self, text):
        credential = ClientAssertionCredential(self.ready["tenant"], self.ready["client_id"],
                                               lambda: text, **self.options())
        try:
            credential.get_token(SCOPE)
        except ClientAuthenticationError as error:
            return int(error.message.split("AADSTS")[1].split(":")[0])
        return 0

    def test_assertions_are_judged(self):
        other = rsa.generate_private_key(65537, 2048)
        late = int(time.time()) - 3600
        for text, number in (
                (self.assertion(), 0),
                (self.assertion("PS256"), 0),
                (self.assertion(aud=f"{self.ready['authority']}/{self.ready['tenant']}/v2.0"), 0),
                (self.assertion(aud="https://login.example/"), 700023),
                (self.assertion(sub="somebody"), 700021),
                (self.assertion(exp=late), 700024),
                (self.assertion(exp=None), 700024),
                (self.assertion(nbf=int(time.time()) + 3600), 700024),
                (self.assertion(key=other), 700027),
                (self.assertion("PS256", key=other), 700027),
                (self.assertion(header={"x5t": "AAAA"}), 700027),
                (self.assertion(header={"x5t": None}), 700027),
                (self.assertion("HS256", key="k" * 32), 700027),
                ("a.b.c", 50027),
                (self.federated(), 0),
                (self.federated(iss="https://elsewhere.example"), 700211),
                (self.federated(sub="system:serviceaccount:weir:other"), 700213),
                (self.federated(aud="api://Other"), 700212),
                (self.federated(key=other), 50013),
                (self.federated(exp=late), 700024)):
            self.assertEqual(self.numbers(text), number, jwt.decode(
                text, options={"verify_signature": False}) if text != "a.b.c" else text)

    # --- the machine -----------------------------------------------------------------------------

    def test_the_machines_identity(self):
        os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = self.ready["imds"]
        self.assert_reads(ManagedIdentityCredential(), self.ready["identity_client_id"])
        for choice in ({"client_id": self.ready["user_identity_client_id"]},
                       {"identity_config": {"object_id": self.ready["user_identity_object_id"]}},
                       {"identity_config": {"resource_id": self.ready["user_identity_resource_id"]}}):
            self.assert_reads(ManagedIdentityCredential(**choice), self.ready["user_identity_client_id"])

    def test_an_identity_that_is_not_there(self):
        os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = self.ready["imds"]
        with self.assertRaises(CredentialUnavailableError):
            ManagedIdentityCredential(client_id="00000000-0000-0000-0000-000000000000").get_token(SCOPE)

    def test_the_identity_of_an_app(self):
        os.environ["IDENTITY_ENDPOINT"] = self.ready["msi_endpoint"]
        os.environ["IDENTITY_HEADER"] = pathlib.Path(self.ready["msi_header_file"]).read_text()
        self.assert_reads(ManagedIdentityCredential(), self.ready["identity_client_id"])
        for choice in ({"client_id": self.ready["user_identity_client_id"]},
                       {"identity_config": {"object_id": self.ready["user_identity_object_id"]}},
                       {"identity_config": {"resource_id": self.ready["user_identity_resource_id"]}}):
            self.assert_reads(ManagedIdentityCredential(**choice), self.ready["user_identity_client_id"])
        os.environ["IDENTITY_HEADER"] = "guessed"
        with self.assertRaises(ClientAuthenticationError):
            ManagedIdentityCredential().get_token(SCOPE)

    def test_the_machine_stumbles_and_goes_on(self):
        with Emulator(self.folder.name, "--imds-fault", "404:1,429:1,500:1") as served:
            os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = served.ready["imds"]
            ManagedIdentityCredential(retry_backoff_factor=0.01).get_token(SCOPE)
        self.assertEqual(served.report["requests"]["identity"], 4)

    # --- a person --------------------------------------------------------------------------------

    def test_a_device_code(self):
        told = []
        for client in (self.ready["public_client_id"], self.ready["client_id"]):
            credential = DeviceCodeCredential(
                client, tenant_id=self.ready["tenant"],
                prompt_callback=lambda *words: told.append(words), **self.options())
            token = self.assert_reads(credential, client)
            self.assertEqual(token["scp"], "user_impersonation")
            # For another audience the refresh token serves: nobody is asked again.
            self.assert_reads_quietly(credential, told)
        self.assertEqual(len(told), 2)
        self.assertTrue(told[0][0].endswith("/device"))

    def assert_reads_quietly(self, credential, told):
        before = len(told)
        token = claims(credential.get_token("https://management.azure.com/.default").token)
        self.assertEqual(token["aud"], "https://management.azure.com")
        self.assertEqual(len(told), before)

    def test_a_person_without_a_tenant(self):
        credential = DeviceCodeCredential(prompt_callback=lambda *_: None, **self.options())
        self.assertEqual(claims(credential.get_token(SCOPE).token)["tid"], self.ready["tenant"])

    def test_a_person_may_be_slow_decline_or_never_come(self):
        def ask(mode, results):
            with Emulator(self.folder.name, "--device", mode) as served:
                credential = DeviceCodeCredential(tenant_id=served.ready["tenant"],
                                                  prompt_callback=lambda *_: None, **self.options(served))
                try:
                    results[mode] = claims(credential.get_token(SCOPE).token)["aud"]
                except ClientAuthenticationError as error:
                    results[mode] = error.message

        results = {}
        threads = [threading.Thread(target=ask, args=(mode, results)) for mode in ("slow", "decline", "expire")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results["slow"], "https://api.loganalytics.io")
        self.assertIn("AADSTS65004", results["decline"])
        self.assertIn("AADSTS70020", results["expire"])

    # --- what tokens say -------------------------------------------------------------------------

    def test_a_token_for_storage_is_as_azurite_wants_it(self):
        for audience in (STORAGE, "https://anybody.blob.core.windows.net/.default"):
            token = claims(self.served.credential().get_token(audience).token)
            self.assertEqual(token["aud"] + "/.default", audience)
            self.assertEqual(token["iss"], f"https://sts.windows.net/{self.ready['tenant']}/")
            now = time.time()
            self.assertLess(token["nbf"], now)
            self.assertLessEqual(token["iat"], now + 1)
            self.assertGreater(token["exp"], now + 3000)
            self.assertTrue(token["oid"])

    def test_tokens_are_for_other_clouds_too(self):
        for audience in ("https://api.loganalytics.us", "https://management.usgovcloudapi.net",
                         "https://management.chinacloudapi.cn", "https://vault.azure.cn",
                         "https://anybody.blob.core.usgovcloudapi.net"):
            token = claims(self.served.credential().get_token(audience + "/.default").token)
            self.assertEqual(token["aud"], audience)

    def test_nobody_gets_a_token_for_what_is_not_there(self):
        with self.assertRaisesRegex(ClientAuthenticationError, "AADSTS500011"):
            self.served.credential().get_token("https://nothing.example/.default")

    def test_a_token_may_live_shortly(self):
        with Emulator(self.folder.name, "--token-life", "2s") as served:
            status, body = served.token()
            self.assertEqual((status, body["expires_in"]), (200, 2))

    def test_the_files_of_secrets_are_our_own(self):
        for name in ("client_secret_file", "client_certificate_file", "federated_token_file",
                     "msi_header_file"):
            self.assertEqual(os.stat(self.ready[name]).st_mode & 0o777, 0o600, name)


if __name__ == "__main__":
    unittest.main()

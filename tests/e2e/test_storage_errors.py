"""What a storage account refuses, and what weir says of it: the service's code, what it means, what to do. Nothing is
written, and nothing is tried for ever."""
import datetime
import email.utils
import unittest

from azurite import Azurite, CloudWeir
from harness import Emulator, Weir, generate
from proxy import Answer, Pass, Proxy, Reset, Tunnel

TABLE = "Syslog"
EXPORT = ["export", TABLE, "--end-date", "2021-11-07"]
KEY = {"WEIR_STORAGE_KEY": "env:A_KEY", "A_KEY": "bm9ib2R5J3M="}


class Refused(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = cls.enterClassContext(Emulator(generate(TABLE, rows=100, days=1), "--rate", 0, "--at-once", 0))
        cls.azurite = cls.enterClassContext(Azurite(spare=2))

    def played(self, rule, settings=None, patience=40):
        """What an export says when the account answers like this, and the proxy that did."""
        proxy = self.enterContext(Proxy(self.azurite, rule))
        weir = CloudWeir(self.emulator, self.azurite, address=proxy.url, settings=settings)
        weir.patience = patience
        done = weir.run(*EXPORT)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertEqual(self.azurite.containers(), [])
        return done.stderr, proxy

    def says(self, answer, *words, **more):
        said, proxy = self.played(lambda request: answer, **more)
        for word in words:
            self.assertIn(word, said)
        self.assertLess(len(proxy.requests), 12, f"it went on asking: {said}")
        return said

    def test_a_wrong_key(self):
        said = self.says(Answer(403, "AuthenticationFailed", {}, "Server failed to authenticate the request."),
                         "AuthenticationFailed", "key", "keys list")
        self.assertNotIn("clock", said)

    def test_a_clock_that_is_wrong_and_by_how_much(self):
        date = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=42), True)
        self.says(Answer(403, "AuthenticationFailed", {"Date": date}, "Request date header too old"),
                  "AuthenticationFailed", "clock", "42 min", "ahead")

    def test_shared_key_disabled_is_no_wrong_key(self):
        said = self.says(Answer(403, "KeyBasedAuthenticationNotPermitted", {}, "Key based authentication is not permitted."),
                         "KeyBasedAuthenticationNotPermitted", "Shared Key", "Storage Blob Data Contributor")
        self.assertNotIn("keys list", said)

    def test_a_role_that_is_missing_and_on_which_scope(self):
        # Azurite's plain address takes tokens to loopback as weir does
        said = self.says(Answer(403, "AuthorizationPermissionMismatch", {}, "This request is not authorized to perform this."),
                         "AuthorizationPermissionMismatch", "Storage Blob Data Contributor", self.azurite.account, settings={})
        self.assertNotIn("network rules", said)

    def test_a_firewall_is_no_role_that_is_missing(self):
        said = self.says(Answer(403, "AuthorizationFailure", {}, "This request is not authorized to perform this operation."),
                         "AuthorizationFailure", "network rules")
        self.assertNotIn("Storage Blob Data Contributor", said)

    def test_an_account_that_is_disabled(self):
        self.says(Answer(403, "AccountIsDisabled", {}, "The specified account is disabled."), "AccountIsDisabled", "disabled")

    def test_a_redirect_to_another_host_is_not_followed(self):
        elsewhere = self.enterContext(Proxy(self.azurite))
        self.says(Answer(307, "", {"Location": f"http://localhost:{elsewhere.port}/x"}), "localhost", "redirect")
        self.assertEqual(elsewhere.requests, [])

    def test_a_proxy_that_wants_a_password(self):
        tunnel = self.enterContext(Tunnel(self.azurite.port, password="Basic YW5uOnNlY3JldA=="))
        weir = CloudWeir(self.emulator, self.azurite, address="https://weirtests.blob.core.windows.net",
                         settings={**KEY, "https_proxy": f"http://bob:hunter2word@127.0.0.1:{tunnel.port}"})
        done = weir.run(*EXPORT)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn("407", done.stderr)
        self.assertIn("127.0.0.1", done.stderr)
        self.assertNotIn("hunter2word", done.stdout + done.stderr)

    def test_a_private_endpoint_that_does_not_resolve(self):
        weir = CloudWeir(self.emulator, self.azurite, address="https://weirtests.privatelink.invalid/lake", settings=KEY)
        done = weir.run(*EXPORT)
        if done.returncode == 2:  # no host of Azure Storage, and said so
            weir = CloudWeir(self.emulator, self.azurite, address="https://weirprivate0000.blob.core.windows.net", settings=KEY)
            done = weir.run(*EXPORT)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("private endpoint", done.stderr)
        self.assertIn("privatelink", done.stderr)

    def test_names_that_can_be_no_container(self):
        for name in "Upper", "a", "two--dashes", "under_score", "x" * 64:
            weir = CloudWeir(self.emulator, self.azurite, address=f"{self.azurite.url}/{name}")
            done = weir.run(*EXPORT)
            self.assertEqual(done.returncode, 2, f"{name}: {done.stderr}")
            self.assertIn("63", done.stderr)

    def test_addresses_that_can_be_no_lake(self):
        for address in ("http://weirtests.blob.core.windows.net", "https://example.com/lake", "s3://bucket/lake",
                        "abfss://weirtests.dfs.core.windows.net", "https://user:password1@weirtests.blob.core.windows.net",
                        "https://weirtests.blob.core.windows.net/lake?sig=c2VjcmV0c2VjcmV0"):
            weir = Weir()
            done = weir.run("lake", "ls", "--lake", address, env=KEY)
            self.assertEqual(done.returncode, 2, f"{address}: {done.stderr}")
            for secret in "password1", "c2VjcmV0c2VjcmV0":
                self.assertNotIn(secret, done.stdout + done.stderr)

    def test_an_archived_blob_is_named_with_what_to_do(self):
        def rule(request):
            if request.kind == "get" and request.blob.endswith(".json") and request.container.startswith("am-"):
                return Answer(409, "BlobArchived", {}, "This operation is not permitted on an archived blob.")
            return None
        azurite = self.azurite.another()
        proxy = self.enterContext(Proxy(azurite))
        weir = CloudWeir(self.emulator, azurite, address=proxy.url)
        weir.ok(*EXPORT)
        proxy.rule = rule
        done = weir.run("query", TABLE, "--end-date", "2021-11-07")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("BlobArchived", done.stderr)
        self.assertIn("archive tier", done.stderr)

    def test_a_blob_that_is_leased_is_named(self):
        azurite = self.azurite.another()
        proxy = self.enterContext(Proxy(azurite))
        weir = CloudWeir(self.emulator, azurite, address=proxy.url)
        proxy.rule = lambda r: (Answer(412, "LeaseIdMissing", {}, "There is currently a lease on the blob and no lease ID.")
                                if r.kind == "put" and r.container == "am-syslog" else None)
        done = weir.run(*EXPORT)
        self.assertIn(done.returncode, (1, 3), done.stderr)
        self.assertIn("LeaseIdMissing", done.stderr)
        self.assertIn("PT05M_weir.json", done.stderr)

    def test_a_workspace_that_refuses_public_queries(self):
        private = self.enterContext(Emulator(generate(TABLE, rows=10, days=1), "--private"))
        done = Weir(private).run(*EXPORT)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("private link", done.stderr.lower())
        self.assertNotIn("role", done.stderr.lower())

    def test_nobody_listens(self):
        proxy = self.enterContext(Proxy(self.azurite))
        proxy.refuse()
        weir = CloudWeir(self.emulator, self.azurite, address=proxy.url)
        done = weir.run("lake", "ls")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("127.0.0.1", done.stderr)


class Passes(unittest.TestCase):
    """What the service says of its own trouble is obeyed, and passes."""

    @classmethod
    def setUpClass(cls):
        cls.emulator = cls.enterClassContext(Emulator(generate(TABLE, rows=300, days=1), "--rate", 0, "--at-once", 0))
        cls.azurite = cls.enterClassContext(Azurite(spare=5))

    def export(self, rule):
        azurite = self.azurite.another()
        proxy = self.enterContext(Proxy(azurite))
        weir = CloudWeir(self.emulator, azurite, address=proxy.url)
        proxy.rule = rule
        weir.ok(*EXPORT)
        proxy.rule = None
        weir.ok("verify", TABLE, "--offline")
        return proxy

    def once(self, answer, each=3):
        """Of the blobs that are written, each so-manieth meets it, once."""
        met = set()

        def rule(request):
            if request.kind != "put" or request.target in met:
                return None
            met.add(request.target)
            return answer if len(met) % each == 0 else None
        return rule

    def test_busy_is_obeyed_and_fewer_go_at_once(self):
        proxy = self.export(self.once(Answer(503, "ServerBusy", {"Retry-After": "1"}), each=50))
        self.assertGreater(proxy.counts["put"], 100)

    def test_timed_out(self):
        self.export(self.once(Answer(500, "OperationTimedOut"), each=50))

    def test_lost_answers_after_the_write(self):
        self.export(self.once(Pass(lose=True)))

    def test_broken_connections(self):
        self.export(self.once(Reset()))

    def test_a_container_that_is_being_deleted(self):
        left = [2]

        def rule(request):
            if request.kind == "create container" and left[0]:
                left[0] -= 1
                return Answer(409, "ContainerBeingDeleted", {}, "The specified container is being deleted.")
            return None
        self.export(rule)


if __name__ == "__main__":
    unittest.main(verbosity=2)

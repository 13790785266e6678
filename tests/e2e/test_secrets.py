"""Everything that weir ever wrote or showed, searched for every secret that it was given and every token that it used.

Requests pass through proxies that note what they carry, so the tokens are known too.
"""
import base64
import json
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest
import urllib.parse
from pathlib import Path

from azurite import Azurite, Certificate, CloudWeir
from harness import BIN, Emulator, Folder, Weir, environment, generate
from proxy import Answer, Pass, Proxy

TABLE = "Syslog"
DAY = ["--end-date", "2021-11-07"]
SHOWN = re.compile(rb"(?:access_token|client_secret|client_assertion|\"value\")[\"=: ]+([A-Za-z0-9_.~+/=%-]{12,})")


class Front:
    """Where a proxy leads: the emulator."""

    def __init__(self, emulator):
        self.port, self.account = urllib.parse.urlsplit(emulator.info["endpoint"]).port, ""


class Witness:
    """What went over the wire, as far as it is secret."""

    def __init__(self):
        self.secrets = set()

    def __call__(self, request):
        word = request.header("Authorization").split(" ", 1)
        if len(word) == 2:
            self.secrets.add(word[1].split(":", 1)[-1])
        for name, value in request.query.items():
            if name == "sig":
                self.secrets |= {value, urllib.parse.quote(value, safe="")}
        self.secrets |= {found.decode() for found in SHOWN.findall(request.body)}
        return Pass(change=self.answer)

    def answer(self, status, headers, body):
        self.secrets |= {found.decode() for found in SHOWN.findall(body)}
        return status, headers, body


class Shadow:
    """Command lines of a process, as anyone on the machine sees them while it runs."""

    def __init__(self, process):
        self.seen = b""
        while process.poll() is None:
            try:
                self.seen += Path(f"/proc/{process.pid}/cmdline").read_bytes()
            except OSError:
                break
            time.sleep(0.02)


class Everything(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = generate(TABLE, rows=300, days=1)

    def setUp(self):
        self.witness, self.written = Witness(), {}
        self.folder = Folder().path

    def run_all(self, weir, settings, commands):
        """Runs commands one after the other and keeps all that they say."""
        for number, words in enumerate(commands):
            process = weir.start(*words, env=settings)
            said = self.folder / f"said-{number}"
            with open(said, "wb") as out:
                shadow = Shadow(process) if number == 0 else None
                for stream in process.communicate(timeout=120):
                    out.write(stream.encode())
            self.written[f"{' '.join(map(str, words))} (exit {process.returncode})"] = said.read_bytes()
            if shadow:
                self.written["command line"] = shadow.seen

    def commands(self):
        report, metrics = self.folder / "report.json", self.folder / "metrics.prom"
        return [["export", TABLE, *DAY, "-v", "--report", report, "--metrics", metrics],
                ["export", TABLE, *DAY, "--refresh", "-v", "--log-format", "json"],
                ["check", "-v"], ["check", "-o", "json"], ["tables", "-v"], ["verify", TABLE, "-v"], ["lake", "ls", "-v"],
                ["query", f"{TABLE} | take 2", *DAY, "-v"], ["estimate", TABLE, *DAY, "-v"]]

    def look(self, weir, azurite, known):
        """known: name to secret. Nothing of it is anywhere, in no form that it had."""
        for root in (self.folder, weir.folder):
            for path in root.rglob("*"):
                if path.is_file() and path.name not in ("storage.key", "storage.sas"):
                    self.written[str(path)] = path.read_bytes()
        if azurite:
            self.written.update(azurite.everything())
        secrets = {f"wire {n}": value for n, value in enumerate(sorted(self.witness.secrets))}
        secrets.update(known)
        self.assertTrue(self.written)
        for what, secret in secrets.items():
            forms = {secret, urllib.parse.quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
            for where, text in self.written.items():
                for form in forms:
                    self.assertNotIn(form.encode(), text, f"{what} stands in {where}")

    def fronted(self, emulator):
        front = Proxy(Front(emulator), self.witness)
        self.addCleanup(front.stop)
        url = f"http://127.0.0.1:{front.port}"
        return front, {"WEIR_ENDPOINT": url, "WEIR_AUTHORITY": url, "WEIR_MANAGEMENT_ENDPOINT": url}

    def story(self, azurite, settings, known, emulator_flags=()):
        emulator = self.enterContext(Emulator(self.data, *emulator_flags))
        front, ends = self.fronted(emulator)
        proxy = self.enterContext(Proxy(azurite, self.witness))
        weir = CloudWeir(emulator, azurite, address=proxy.url, settings={})
        self.run_all(weir, {**ends, **settings(weir, emulator)}, self.commands())
        self.assertIn("am-syslog", azurite.containers(), "\n".join(t.decode() for w, t in self.written.items() if "export" in w))
        self.assertTrue(front.requests)
        secret = Path(emulator.info["client_secret_file"]).read_text().strip()
        self.assertTrue([s for s in self.witness.secrets if s.count(".") == 2], "no token was seen on the wire")
        self.look(weir, azurite, {"client secret": secret, **known})
        return weir, proxy

    def test_with_an_account_s_key(self):
        azurite = self.enterContext(Azurite())
        self.story(azurite, lambda weir, _: {"WEIR_STORAGE_KEY": f"file:{azurite.key_file(folder=weir.folder)}"},
                   {"key": azurite.keys[0]})

    def test_with_a_shared_access_signature(self):
        azurite = self.enterContext(Azurite())
        sas = azurite.account_sas()
        sig = urllib.parse.parse_qs(sas)["sig"][0]
        self.story(azurite, lambda *_: {"WEIR_STORAGE_SAS": "env:SECRET_SAS", "SECRET_SAS": sas}, {"sas": sas, "sig": sig})

    def test_with_a_key_of_a_key_vault(self):
        azurite = self.enterContext(Azurite())
        path = Folder().path / "key"
        path.write_text(azurite.keys[0])

        def settings(_, emulator):
            vault = urllib.parse.urlsplit(emulator.info["vault"]).netloc
            return {"WEIR_STORAGE_KEY": f"keyvault://{vault}/account"}
        self.story(azurite, settings, {"key": azurite.keys[0]}, ["--secret", f"account={path}"])

    def test_with_a_token_for_storage(self):
        azurite = self.enterContext(Azurite(tls=Certificate()))
        emulator = self.enterContext(Emulator(self.data))
        _, ends = self.fronted(emulator)
        weir = CloudWeir(emulator, azurite, settings={})
        self.run_all(weir, ends, self.commands())
        self.assertIn("am-syslog", azurite.containers())
        self.assertTrue(self.witness.secrets)
        self.look(weir, azurite, {})

    def test_when_everything_is_refused(self):
        """Errors quote what the service says, and a service may quote what it was sent."""
        azurite = self.enterContext(Azurite())
        emulator = self.enterContext(Emulator(self.data))
        _, ends = self.fronted(emulator)

        def refuse(request):
            self.witness(request)
            text = f"Signature did not match for {request.header('Authorization')} in {request.target}"
            return Answer(403, "AuthenticationFailed", {}, text)
        proxy = self.enterContext(Proxy(azurite, refuse))
        sas = azurite.account_sas()
        weir = CloudWeir(emulator, azurite, address=proxy.url, settings={})
        for settings in ({"WEIR_STORAGE_KEY": f"file:{azurite.key_file(folder=weir.folder)}"},
                         {"WEIR_STORAGE_SAS": "env:SECRET_SAS", "SECRET_SAS": sas}):
            self.run_all(weir, {**ends, **settings}, [["export", TABLE, *DAY, "-v"], ["lake", "ls", "-v"], ["check"]])
            self.look(weir, None, {"key": azurite.keys[0], "sig": urllib.parse.parse_qs(sas)["sig"][0]})


class Core(unittest.TestCase):
    """A process that crashes leaves its memory to nobody."""

    def crash(self, command, folder, env=None):
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, unlimited))
        deadline = time.monotonic() + 20
        while b"syslog" not in Path(f"/proc/{process.pid}/cmdline").read_bytes().lower() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.2)
        self.assertIsNone(process.poll(), "it ended before it could crash")
        process.send_signal(signal.SIGSEGV)
        process.wait(20)
        return [path.name for path in folder.iterdir() if path.name.startswith("core")]

    def test_no_core_is_left(self):
        plain = Folder().path
        if not self.crash(["sh", "-c", "sleep 20; : syslog"], plain):
            self.skipTest("this machine leaves cores elsewhere")
        emulator = self.enterContext(Emulator(generate(TABLE, rows=300, days=1), "--latency", "3s"))
        weir = Weir(emulator)
        self.assertEqual(self.crash([str(BIN / "weir"), "export", TABLE, *DAY], weir.folder, environment()), [])
        shutil.rmtree(plain, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)

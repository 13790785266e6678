"""An emulator for a test: started on a free port, ended with the test, its report at hand afterwards.

    with Emulator(folder, "--max-rows", "10") as emulator:
        client = emulator.client()
        ...
    emulator.report["faults"]["cut"]

Standard library only, but for client() and credential(), which make Microsoft's own.
"""

import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

BIN = pathlib.Path(os.environ.get("WEIR_BIN", "build/release/bin"))
READY_SECONDS = 60
END_SECONDS = 30


class Emulator:
    """`data` is the folder that it serves; `flags` are more of its options."""

    def __init__(self, data, *flags, tls=True):
        self.data = data
        self.flags = [str(flag) for flag in flags]
        self.tls = tls
        self.report = None
        self.said = ""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="weir-emulator-test.")
        folder = pathlib.Path(self._folder.name)
        self.ready_file = folder / "ready.json"
        self._report_file = folder / "report.json"
        self.log_file = folder / "log.jsonl"
        self._stderr = open(folder / "stderr", "w+b")
        self._process = subprocess.Popen(
            [BIN / "weir-emulator", "serve", "--data", self.data, "--ready-file", self.ready_file,
             "--report", self._report_file, "--log", self.log_file, "--scratch", folder,
             "--exit-with-parent", *(["--tls"] if self.tls else []), *self.flags],
            stderr=self._stderr)
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            self._folder.cleanup()
            raise
        return self

    def _wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the emulator did not start: " + self._read_stderr())
            time.sleep(0.01)
        self.ready = json.loads(self.ready_file.read_text())
        self.secret = pathlib.Path(self.ready["client_secret_file"]).read_text()
        self.workspace = self.ready["workspace_id"]
        self.endpoint = self.ready["endpoint"]
        self.ca_file = self.ready.get("ca_file")

    def _read_stderr(self):
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def _end(self):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self.status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.status = self._process.wait()
        self.said = self._read_stderr()
        self._stderr.close()

    def __exit__(self, *_):
        self._end()
        if self._report_file.exists():
            self.report = json.loads(self._report_file.read_text())
        if self.log_file.exists():
            self.log = [json.loads(line) for line in self.log_file.read_text().splitlines()]
        self.left_over = sorted(path.name for path in pathlib.Path(self._folder.name).iterdir())
        self._folder.cleanup()
        if self.status != 0:
            raise RuntimeError(f"the emulator ended with {self.status}: {self.said}")

    def terminate(self):
        self._process.terminate()

    def wait(self):
        """Seconds until it has ended."""
        begin = time.monotonic()
        self._process.wait(END_SECONDS)
        return time.monotonic() - begin

    # --- Microsoft's clients ---------------------------------------------------------------------

    def credential(self, **options):
        from azure.identity import ClientSecretCredential
        return ClientSecretCredential(
            self.ready["tenant"], self.ready["client_id"], self.secret,
            authority=self.ready["authority"], disable_instance_discovery=True,
            connection_verify=self.ca_file, **options)

    def client(self, **options):
        from azure.monitor.query import LogsQueryClient
        options.setdefault("retry_total", 0)
        return LogsQueryClient(self.credential(), endpoint=self.endpoint,
                               connection_verify=self.ca_file, **options)

    # --- the bare protocol -----------------------------------------------------------------------

    def _context(self):
        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None

    def request(self, method, path, body=None, headers=None):
        """(status, headers, bytes) of one request; an HTTP error is an answer too."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(self.endpoint + path, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, context=self._context()) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def token(self, path="/oauth2/v2.0/token", conditional=False, **fields):
        prefix = "conditional_" if conditional else ""
        secret = pathlib.Path(self.ready[prefix + "client_secret_file"]).read_text()
        form = {"grant_type": "client_credentials", "client_id": self.ready[prefix + "client_id"],
                "client_secret": secret, "scope": self.ready["audience"] + "/.default"}
        form.update(fields)
        form = {name: value for name, value in form.items() if value is not None}
        status, _, body = self.request(
            "POST", "/" + self.ready["tenant"] + path, urllib.parse.urlencode(form).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"})
        return status, json.loads(body)

    def bearer(self, **options):
        status, body = self.token(**options)
        assert status == 200, body
        return {"Authorization": "Bearer " + body["access_token"]}

    def query(self, text, headers=None, way="query", **fields):
        """(status, body as a value) of one query with a fresh token."""
        all_headers = {**self.bearer(), "Content-Type": "application/json", **(headers or {})}
        status, _, body = self.request("POST", f"/v1/workspaces/{self.workspace}/{way}",
                                       {"query": text, **fields}, all_headers)
        return status, json.loads(body) if body else None

    def search(self, text, **fields):
        """The same by the way of tables of the Basic and Auxiliary plans."""
        return self.query(text, way="search", **fields)

"""Runs weir and weir-emulator from outside, as a user would, and reads a lake as any reader would.

Nothing here knows how weir works: the lake is read by docs/formats.md with Python's own json.
"""
import atexit
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from decimal import Decimal
from pathlib import Path

BIN = Path(os.environ["WEIR_BIN"])
SOURCE = Path(os.environ.get("WEIR_SOURCE", Path(__file__).resolve().parents[2]))
DATA = SOURCE / "tests" / "data"
TICKS_PER_SECOND = 10_000_000


def temporary_root():
    """Memory where there is some: a ledger waits for the disk, and a test machine's disk is busy."""
    return os.environ.get("TMPDIR") or ("/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


class Folder:
    """A temporary folder that is removed at the end of the program."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="weir-e2e-", dir=temporary_root()))
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)


class Emulator:
    """weir-emulator serve over a folder of files, on a free port of loopback."""

    def __init__(self, data, *flags, folder=None):
        self.folder = Path(folder or Folder().path)
        self.ready = self.folder / "ready.json"
        self.report = self.folder / "report.json"
        self.ready.unlink(missing_ok=True)
        self.log = open(self.folder / "emulator.log", "wb")
        self.process = subprocess.Popen(
            [BIN / "weir-emulator", "serve", "--data", data, "--ready-file", self.ready, "--report",
             self.report, "--exit-with-parent", *map(str, flags)],
            stdout=self.log, stderr=self.log)
        atexit.register(self.stop)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 60
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self.folder / "emulator.log").read_text())
            time.sleep(0.02)  # a file is waited for, not a guess made
        self.info = json.loads(self.ready.read_text())

    def token(self, audience):
        """As the client with the secret gets it: the whole answer."""
        form = {"grant_type": "client_credentials", "client_id": self.info["client_id"], "scope": f"{audience}/.default",
                "client_secret": Path(self.info["client_secret_file"]).read_text().strip()}
        url = f"{self.info['authority']}/{self.info['tenant']}/oauth2/v2.0/token"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
            return json.load(answer)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.log.close()
        if self.report.exists():
            return json.loads(self.report.read_text())
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Canned(http.server.ThreadingHTTPServer):
    """A service that gives tokens and answers every query with the same status and bytes."""

    daemon_threads = True

    def __init__(self, status, body, kind="application/json"):
        self.answer = (status, body.encode(), kind)
        super().__init__(("127.0.0.1", 0), Canned.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = b'{"token_type":"Bearer","expires_in":3599,"access_token":"t"}'
            status, body, kind = (200, token, "application/json") if "/token" in self.path else self.server.answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    def environment(self):
        """For weir: this service, and a sign-in that it takes."""
        return {"WEIR_ENDPOINT": self.url, "WEIR_AUTHORITY": self.url, "WEIR_AUDIENCE": self.url,
                "WEIR_WORKSPACE_ID": "8ecf8077-cf51-4820-aadd-14040956f35d", "WEIR_TENANT": "t",
                "WEIR_CLIENT_ID": "c", "WEIR_CLIENT_SECRET": "env:CANNED_SECRET", "CANNED_SECRET": "s"}

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def environment(more=None):
    """What a user has who set nothing up for weir, and `more`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WEIR_", "AZURE_"))}
    return {**clean, **(more or {})}


class Weir:
    """One user's folder: weir.yaml and a lake."""

    patience = 600  # seconds that a command may take

    def __init__(self, emulator=None):
        self.folder = Folder().path
        self.lake = self.folder / "lake"
        if emulator:
            self.ok("init", "--from-emulator", emulator.ready, "--lake", self.lake)

    def run(self, *words, env=None, input=None, under=()):
        return subprocess.run([*under, BIN / "weir", *map(str, words)], cwd=self.folder, input=input,
                              capture_output=True, text=True, timeout=self.patience, env=environment(env))

    def start(self, *words, env=None):
        return subprocess.Popen([BIN / "weir", *map(str, words)], cwd=self.folder, env=environment(env),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ok(self, *words, **more):
        done = self.run(*words, **more)
        if done.returncode != 0:
            raise AssertionError(f"weir {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *words):
        return json.loads(self.ok(*words, "--output", "json").stdout)

    def blobs(self, table):
        """The export's blobs of a table, in order of time."""
        return sorted(self.lake.glob(f"am-{table.lower().replace('_', '-')}/**/PT05M_weir.json"))

    def rows(self, table):
        for blob in self.blobs(table):
            for line in blob.read_bytes().split(b"\n")[:-1]:
                yield json.loads(line, parse_float=Number, parse_int=Number)

    def schema(self, table):
        (path,) = self.lake.glob(f"weir/*/{table.lower().replace('_', '-')}/schema.json")
        return {c["name"]: c["type"] for c in json.loads(path.read_text())["columns"]}

    def ledger(self, table):
        """The latest line of each partition."""
        lines = {}
        for segment in sorted(self.lake.glob(f"weir/*/{table.lower().replace('_', '-')}/ledger/*")):
            for text in segment.read_text().splitlines()[1:]:
                line = json.loads(text)
                lines[line.get("partition") or line.get("p")] = line
        return lines


def generate(table, rows=4000, days=3, seed=7):
    """A folder with one table's lines, of the days to 2021-11-07."""
    folder = Folder().path
    subprocess.run([BIN / "weir-emulator", "generate", "--table", table, "--days", str(days), "--rows",
                    str(rows), "--seed", str(seed), "--end", "2021-11-08", "--out", folder],
                   check=True, capture_output=True)
    (folder / "truth.json").unlink()
    return folder


def source(folder, table):
    with open(folder / f"{table}.jsonl", "rb") as lines:
        return [parse(line) for line in lines]


def digest(weir, table):
    """Names and bytes of all blobs of an export."""
    return {str(blob.relative_to(weir.lake)): hashlib.sha256(blob.read_bytes()).hexdigest()
            for blob in weir.blobs(table)}


class Number(str):
    """A JSON number as its text: nothing is rounded on the way."""

    def __eq__(self, other):
        return isinstance(other, Number) and Decimal(self) == Decimal(other)

    def __hash__(self):
        return hash(Decimal(self))


def parse(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(Z|[+-]\d\d:?\d\d)?$")
US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?: ([AP]M))?$")


def _ticks(year, month, day, hour, minute, second, fraction):
    from datetime import datetime
    days = datetime(year, month, day).toordinal() - 1
    fraction = (fraction or "").ljust(7, "0")[:7]
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * TICKS_PER_SECOND + int(fraction)


def ticks(text):
    """A datetime's text, ISO 8601 or as the portal writes it, as ticks since year 1; None when it is neither."""
    found = ISO.match(text)
    if found:
        y, mo, d, h, mi, s, f, zone = found.groups()
        at = _ticks(int(y), int(mo), int(d), int(h or 0), int(mi or 0), int(s or 0), f)
        if zone and zone != "Z":
            sign = -1 if zone[0] == "+" else 1
            at += sign * (int(zone[1:3]) * 60 + int(zone[-2:])) * 60 * TICKS_PER_SECOND
        return at
    found = US.match(text)
    if found:
        mo, d, y, h, mi, s, f, half = found.groups()
        hour = int(h) % 12 + (12 if half == "PM" else 0) if half else int(h)
        return _ticks(int(y), int(mo), int(d), hour, int(mi), int(s or 0), f)
    return None


def iso(tick):
    """A tick as ISO 8601, to the second."""
    from datetime import datetime, timedelta
    return (datetime(1, 1, 1) + timedelta(seconds=tick // TICKS_PER_SECOND)).isoformat() + "Z"


def partition_of(blob):
    """The tick at which the partition of a blob's path begins."""
    y, mo, d, h, mi = (int(part.split("=")[1]) for part in blob.parts[-6:-1])
    return _ticks(y, mo, d, h, mi, 0, "")

"""What the figures of exports share: data that is made once, an emulator with the service's limits, a measured
process, and the line by which scripts/bench makes its table.

Standard library only.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BIN = Path(os.environ["WEIR_BIN"])
READY_SECONDS, END_SECONDS = 600, 60

# The service: how long an answer takes to begin, how fast it comes, and its ceilings (docs/service.md 1.3, 1.5).
LATENCY, BANDWIDTH = 2.0, 20e6
ROWS, BYTES, JSON_BYTES = 500_000, 64_000_000, 100_000_000
LANES = 5
SERVICE = ["--latency", f"{LATENCY:g}s", "--bandwidth", f"{BANDWIDTH:.0f}", "--at-once", str(LANES), "--rate", "200",
           "--rate-window", "30s", "--max-rows", str(ROWS), "--max-bytes", str(BYTES), "--max-json", str(JSON_BYTES)]

# What WEIR_BENCH_GB counts: a generated row of CommonSecurityLog as JSON of the service's answers.
TABLE, ROW_JSON = "CommonSecurityLog", 1111
DAYS, LAST_DAY, END = 7, "2021-11-07", "2021-11-08"
RANGE = ["--end-date", LAST_DAY, "--lookback-days", str(DAYS)]


def tell(figure, goal, measured, met):
    """One line of the table; `met` None: it is told, and has no goal."""
    word = "" if met is None else "met" if met else "NOT MET"
    print(f"=> {figure} | {goal} | {measured} | {word}", flush=True)
    return met is not False


def memory_folder():
    """Where files take no time: in memory, where there is some."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Folder:
    """A temporary folder, removed at the end: under WEIR_BENCH_DIR, or in memory if asked for."""

    def __init__(self, in_memory=False):
        where = (os.environ.get("WEIR_BENCH_MEMORY_DIR") or memory_folder()) if in_memory else None
        self.path = Path(tempfile.mkdtemp(prefix="weir-bench-", dir=where or os.environ.get("WEIR_BENCH_DIR")))

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def generate(folder, gigabytes, seed=1):
    """A week of CommonSecurityLog, about so many GB as the service answers it: (folder, rows). WEIR_BENCH_DATA names a
    folder in which it stays for the next run."""
    rows = round(gigabytes * 1e9 / ROW_JSON)
    made = Path(os.environ.get("WEIR_BENCH_DATA") or folder) / f"firewalls-{rows}-{seed}"
    if not (made / "truth.json").exists():
        subprocess.run([BIN / "weir-emulator", "generate", "--table", TABLE, "--days", str(DAYS), "--rows", str(rows),
                        "--seed", str(seed), "--end", END, "--out", made], check=True, stderr=subprocess.DEVNULL)
    return made, rows


class Emulator:
    """weir-emulator serve over a folder, with its log at hand while it runs and afterwards."""

    def __init__(self, data, folder, *flags):
        self.folder = Path(tempfile.mkdtemp(prefix="emulator-", dir=folder))
        self.ready, self.log_file = self.folder / "ready.json", self.folder / "log.jsonl"
        self._errors = open(self.folder / "stderr", "w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [BIN / "weir-emulator", "serve", "--data", data, "--ready-file", self.ready, "--log", self.log_file,
             "--scratch", self.folder, "--exit-with-parent", "--quiet", *map(str, flags)], stderr=self._errors)

    def __enter__(self):
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                self._errors.seek(0)
                sys.exit("the emulator did not start: " + self._errors.read())
            time.sleep(0.05)
        self.info = json.loads(self.ready.read_text())
        return self

    def _end(self):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __exit__(self, *_):
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        """The queries that were answered so far, in the order in which their answers were ready."""
        if not self.log_file.exists():
            return []
        return [json.loads(line) for line in self.log_file.read_text().split("\n")[:-1]]


class Weir:
    """One user's folder, with the lake in memory: a disk is not what is measured."""

    def __init__(self, emulator, folder, lake):
        self.folder, self.lake = Path(tempfile.mkdtemp(prefix="weir-", dir=folder)), Path(lake)
        done = subprocess.run([BIN / "weir", "init", "--from-emulator", emulator.ready, "--lake", self.lake],
                              cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"weir init: {done.stderr}")

    def command(self, *words):
        return [str(BIN / "weir"), *map(str, words)]

    def measure(self, *words, ok=(0,)):
        return measure(self.command(*words), self.folder, ok)


class Measured:
    """A process that has ended: its wall time, and what the kernel counted of it alone."""

    def __init__(self, began, seconds, status, usage, said):
        self.began, self.seconds, self.status, self.said = began, seconds, status, said
        self.user, self.system = usage.ru_utime, usage.ru_stime
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * 1024

    def last(self):
        return self.said.strip().splitlines()[-1] if self.said.strip() else ""


def measure(command, cwd, ok=(0,)):
    """Runs a command to its end. A status that is not in `ok` ends the bench."""
    began, begin = time.time(), time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        end(process)
    done = Measured(began, time.perf_counter() - begin, process.returncode, usage, said)
    if done.status not in ok:
        sys.exit(f"{' '.join(map(str, command))}: status {done.status}\n{said}")
    return done


class TreeMemory:
    """The peak of a process and all that it starts, together: their proportional share of memory, sampled by a thread.
    The kernel keeps a peak for each process alone."""

    EVERY = 0.25

    def __init__(self, pid):
        self._pid, self._stop, self.peak = pid, threading.Event(), 0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    @staticmethod
    def _share(pid):
        """Of a process that hides its memory from others, all that is resident: at least its share."""
        for name, figure in ("smaps_rollup", "Pss"), ("status", "VmRSS"):
            try:
                text = Path(f"/proc/{pid}/{name}").read_text()
            except OSError:
                continue
            found = re.search(rf"^{figure}:\s+(\d+) kB", text, re.MULTILINE)
            if found:
                return int(found.group(1)) * 1024
        return 0

    @staticmethod
    def _children(pid):
        try:
            return [int(word) for task in Path(f"/proc/{pid}/task").iterdir()
                    for word in (task / "children").read_text().split()]
        except OSError:
            return []

    def _watch(self):
        while not self._stop.wait(self.EVERY):
            wanted, total = [self._pid], 0
            while wanted:
                pid = wanted.pop()
                total += self._share(pid)
                wanted += self._children(pid)
            self.peak = max(self.peak, total)


def gigabytes(default):
    return float(os.environ.get("WEIR_BENCH_GB", default))


def end(process):
    """Ends a process that was started here as the first of its session, and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def leave_on_request():
    """An interrupted bench takes its folders and processes with it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


leave_on_request()

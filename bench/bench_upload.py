"""Uploading a year of small partitions: weir's store beside a bare curl_multi loop, azure-storage-blob and wrk.

    bench/bench_upload.py [BLOBS]       default: 105120 of 5 kB

To a server that keeps nothing (null_service), each in a process of its own, in turn; then to Azurite, where the
processor that is full must be Azurite's.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from rig import Folder, tell

sys.path.insert(0, str(Path(os.environ["WEIR_SOURCE"]) / "tests" / "e2e"))
from azurite import Azurite, new_key  # noqa: E402  pylint: disable=wrong-import-position

BENCH = Path(os.environ["WEIR_BENCH"])
BLOBS, BYTES = 105_120, 5_000
WIDTHS = (32, 128)        # of the bare loop, which does not know how many at once are best
ROUNDS = 3
PYTHON_BLOBS = 2_000      # it would take minutes for all
WRK_SECONDS = 5
AZURITE_BLOBS = 4_000
SHARE, RATE, TIMES, MEMORY, FULL = 0.7, 20_000, 20, 256_000_000, 0.9

WRK = """wrk.method = "PUT"
wrk.body = string.rep("x", %d)
wrk.headers["x-ms-blob-type"] = "BlockBlob"
wrk.headers["x-ms-version"] = "2021-12-02"
"""


class NullService:
    """bench/null_service, ended with us."""

    def __enter__(self):
        self._process = subprocess.Popen([BENCH / "null_service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        self.origin = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.url = f"{self.origin}/weirbench"
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(30)


def run(*words, key=None):
    """A measured process; what it tells."""
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=True,
                          env={**os.environ, "WEIR_BENCH_KEY": key or new_key()})
    return json.loads(done.stdout)


def rate(told):
    return told["blobs"] / told["seconds"]


def wrk(url, folder):
    script = folder / "put.lua"
    script.write_text(WRK % BYTES)
    done = subprocess.run(["wrk", "-t", "1", "-c", "64", "-d", f"{WRK_SECONDS}s", "-s", script, f"{url}/am-a/blob"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split("Requests/sec:")[1].split()[0])


def beside_others(blobs):
    with NullService() as null, Folder() as folder:
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare += [run(BENCH / "store_client", "bare", null.url, blobs, BYTES, width) for width in WIDTHS]
            ours.append(run(BENCH / "store_client", "upload", null.url, blobs, BYTES))
        small = run(BENCH / "store_client", "upload", null.url, blobs // 10, BYTES)
        python = run(sys.executable, "-B", Path(__file__).with_name("upload_python.py"), null.url, PYTHON_BLOBS, BYTES, 64)
        with_wrk = wrk(null.url, folder)
    best, least = max(map(rate, ours)), max(map(rate, bare))
    for what, told in (("bare curl_multi", bare), ("weir", ours)):
        cpu = min(t["cpu"] / t["blobs"] for t in told)
        print(f"  {what:16} {max(map(rate, told)):9,.0f} a second {cpu * 1e6:7.1f} us of the processor each")
    print(f"  {'azure-storage-blob':16} {rate(python):7,.0f} a second\n  {'wrk':16} {with_wrk:9,.0f} a second")
    met = tell(f"upload of {blobs:,} blobs of {BYTES / 1e3:g} kB, beside curl_multi", f"at least {SHARE}",
               f"{best / least:.2f}", best >= SHARE * least)
    met &= tell("the same, a second", f"at least {RATE:,}", f"{best:,.0f}", best >= RATE)
    met &= tell("the same, beside azure-storage-blob (asynchronous)", f"at least {TIMES} times",
                f"{best / rate(python):.0f} times", best >= TIMES * rate(python))
    tell("the same by wrk, a second", "told", f"{with_wrk:,.0f}", None)
    peak = max(t["peak"] for t in ours)
    return met & tell(f"the same, peak memory ({small['peak'] / 1e6:.0f} MB for a tenth)", f"at most {MEMORY / 1e6:.0f} MB",
                      f"{peak / 1e6:.0f} MB", peak <= MEMORY)


def busy(pid):
    """Seconds for which the first thread of a process ran, or would have run had a processor been free."""
    ran, waited, _ = map(int, Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split())
    return (ran + waited) / 1e9


def to_azurite():
    """Azurite is one thread of JavaScript: it is full when that never waits for us."""
    with Azurite() as azurite:
        azurite.service().create_container("am-commonsecuritylog")
        run(BENCH / "store_client", "upload", azurite.url, 500, BYTES, key=azurite.keys[0])  # warm
        begin, before = time.perf_counter(), busy(azurite.pid)
        told = run(BENCH / "store_client", "upload", azurite.url, AZURITE_BLOBS, BYTES, key=azurite.keys[0])
        share = (busy(azurite.pid) - before) / (time.perf_counter() - begin)
    print(f"  {'to Azurite':16} {rate(told):9,.0f} a second, {told['cpu'] / told['seconds']:.0%} of a processor for weir")
    return tell("upload to Azurite, share of the time that Azurite is busy", f"at least {FULL}", f"{share:.2f}", share >= FULL)


def main():
    blobs = int(sys.argv[1]) if len(sys.argv) > 1 else BLOBS
    met = beside_others(blobs)
    return 0 if to_azurite() and met else 1


if __name__ == "__main__":
    sys.exit(main())

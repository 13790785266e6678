"""Peak memory of an export, for a small and a large history: it must not grow with the history.

    bench/bench_memory.py [ROWS...]       default: 500000 5000000

Generates the rows, serves them, exports them, and asks the kernel for the peak of the weir process. At most 256 MB.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(os.environ["WEIR_BIN"])
LIMIT = 256_000_000
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "7"]


def wait_for(path, process):
    while not path.exists():
        if process.poll() is not None:
            sys.exit("the emulator ended early")
        time.sleep(0.1)


def measured(command, cwd):
    """Runs a command as the only child that is waited for by wait4: seconds and peak bytes are its own."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command}: status {status}\n{said}")
    return time.perf_counter() - begin, usage.ru_maxrss * 1024, said.strip().splitlines()[-1]


def run(rows):
    folder = Path(tempfile.mkdtemp(prefix="weir-bench-", dir=os.environ.get("WEIR_BENCH_DIR")))
    try:
        subprocess.run([BIN / "weir-emulator", "generate", "--table", "CommonSecurityLog", "--days", "7", "--rows",
                        str(rows), "--seed", "1", "--end", "2021-11-08", "--out", folder / "data"], check=True,
                       stderr=subprocess.DEVNULL)
        ready = folder / "ready.json"
        emulator = subprocess.Popen([BIN / "weir-emulator", "serve", "--data", folder / "data", "--ready-file", ready,
                                     "--exit-with-parent", "--quiet"])
        try:
            wait_for(ready, emulator)
            subprocess.run([BIN / "weir", "init", "--from-emulator", ready, "--lake", folder / "lake"], cwd=folder,
                           check=True, stderr=subprocess.DEVNULL)
            return measured([BIN / "weir", "export", "CommonSecurityLog", *RANGE, "-q"], folder)
        finally:
            emulator.terminate()
            emulator.wait()
    finally:
        shutil.rmtree(folder)


def main():
    sizes = [int(word) for word in sys.argv[1:]] or [500_000, 5_000_000]
    good = True
    for rows in sizes:
        seconds, peak, said = run(rows)
        good = good and peak <= LIMIT
        print(f"export of {rows:,} rows: peak memory {peak / 1e6:.0f} MB (at most {LIMIT / 1e6:.0f}), "
              f"{seconds:.1f} s; {said}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""Planning a year: 365 days, 105,120 partitions, a row in each.

Own CPU time and peak memory of `weir estimate`, and of `weir export` until the service is asked for the first rows for
the lake: by then the snapshot is taken, the partitions are counted and the batches packed. Then of the whole export of
that year, for information. The emulator answers after half a second, so that the process stands still, asked and not
yet answered, while its CPU time is read.
"""
import os
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from bench_export import is_batch
from rig import Emulator, Folder, Weir, end, tell

CPU_LIMIT, MEMORY_LIMIT = 1.0, 64_000_000
FIRST, DAYS, PARTITION = datetime(2020, 11, 1), 365, timedelta(minutes=5)
TABLE, LATENCY, WAIT_SECONDS = "Pulse_CL", "500ms", 600
RANGE = ["--end", "2021-11-01", "--days", str(DAYS)]
TICKS = os.sysconf("SC_CLK_TCK")


def write_year(folder):
    folder.mkdir()
    with open(folder / f"{TABLE}.jsonl", "w", encoding="utf-8") as file:
        for i in range(DAYS * 288):
            at = FIRST + i * PARTITION + timedelta(seconds=i % 300)
            file.write(f'{{"TimeGenerated":"{at:%Y-%m-%dT%H:%M:%S}Z","Computer":"host-{i % 50}","Beat_d":{i}}}\n')
    return folder


def spent(pid):
    """(CPU seconds, peak bytes) of a process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE).group(1)) * 1024
    return (int(fields[11]) + int(fields[12])) / TICKS, peak


def until_first_batch(emulator, weir):
    """Stops an export when it has asked for its first rows."""
    asked = sum(map(is_batch, emulator.log()))
    process = subprocess.Popen(weir.command("export", TABLE, *RANGE, "-q", "--yes"), cwd=weir.folder,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while sum(map(is_batch, emulator.log())) == asked:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("weir export asked for no rows")
            time.sleep(0.02)
        return spent(process.pid)
    finally:
        end(process)


def judge(name, cpu, peak):
    return [tell(f"planning 365 days, {name}: own CPU", f"under {CPU_LIMIT:g} s", f"{cpu:.2f} s", cpu < CPU_LIMIT),
            tell(f"planning 365 days, {name}: peak memory", f"at most {MEMORY_LIMIT / 1e6:.0f} MB",
                 f"{peak / 1e6:.1f} MB", peak <= MEMORY_LIMIT)]


def main():
    met = []
    with Folder(in_memory=True) as folder:
        data = write_year(folder / "data")
        with Emulator(data, folder, "--latency", LATENCY) as emulator:
            done = Weir(emulator, folder, folder / "lake").measure("estimate", TABLE, *RANGE)
            met += judge("estimate", done.cpu, done.peak)
            met += judge("export up to its first batch", *until_first_batch(
                emulator, Weir(emulator, folder, folder / "begun")))
            done = Weir(emulator, folder, folder / "lake").measure("export", TABLE, *RANGE, "-q", "--yes")
    print(done.last())
    tell("export of 105,120 partitions of a row", "",
         f"{done.seconds:.1f} s, CPU {done.user:.1f} s user, {done.system:.1f} s system, {done.peak / 1e6:.0f} MB", None)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

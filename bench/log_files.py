"""Log files for the figures of partition and compact: a week or a year of firewalls as JSON lines of about 1 kB, in order
of time or in none. WEIR_BENCH_DATA names a folder in which they stay for the next run.
"""
import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from rig import BIN, END, TABLE

ROWS = Path(os.environ["WEIR_BENCH"]) / "log_rows"
ROW = 1009  # bytes of a row, about
WEEK, YEAR = 7, 365  # days
STRIDE = 1_000_003  # a prime: rows in no order


def log_file(folder, gigabytes, days, shuffled=False, seed=1):
    """The path of such a file."""
    rows = round(gigabytes * 1e9 / ROW)
    folder = Path(os.environ.get("WEIR_BENCH_DATA") or folder)
    path = folder / f"firewalls-{rows}-{days}d-{seed}{'-shuffled' if shuffled else ''}.jsonl"
    if path.exists():
        return path
    made, part = path.with_suffix(".made"), path.with_suffix(".part")
    subprocess.run([BIN / "weir-emulator", "generate", "--table", TABLE, "--days", str(days), "--rows", str(rows), "--seed",
                    str(seed), "--end", END, "--out", made, *(["--shuffle"] if shuffled else [])],
                   check=True, stderr=subprocess.DEVNULL)
    # In the emulator's year many partitions have no row.
    times = [] if days == WEEK else [f"{datetime.fromisoformat(END) - timedelta(days):%F}", END, str(rows),
                                     str(STRIDE if shuffled else 1)]
    with open(made / f"{TABLE}.jsonl", "rb") as lines, open(part, "wb") as out:
        subprocess.run([ROWS, *times], check=True, stdin=lines, stdout=out)
    shutil.rmtree(made)
    part.rename(path)
    return path


def log_file_in(folder, *what):
    """The same in that folder, which is in memory: a copy, where it stays for the next run."""
    path = log_file(folder, *what)
    return path if path.parent == folder else Path(shutil.copy(path, folder))

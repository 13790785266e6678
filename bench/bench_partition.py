"""weir partition beside cp -r of the tree that it makes: a week and a year of firewalls, in order of time and in none.

    WEIR_BENCH_PARTITION_GB=2 bench/bench_partition.py

Input, lake and copy are all in memory, so that the machine's bandwidth is the limit. The two take turns, `sync` before each,
and of each the best run counts: memory that the machine hands out for the first time is several times as slow.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from log_files import WEEK, YEAR, log_file_in
from rig import BIN, TABLE, Folder, measure, tell

RUNS = int(os.environ.get("WEIR_BENCH_PARTITION_RUNS", 9))  # of a week; of a year, which takes long, a third
YEAR_PARTITIONS = 105_120
NO_SLOWER, GOAL, SHUFFLED = 1.0, 0.6, 2.0


def gigabytes():
    return float(os.environ.get("WEIR_BENCH_PARTITION_GB", 2))


class Ground:
    """A user's folder, and what is made in it."""

    def __init__(self, folder):
        self.folder = folder
        self.lake, self.copy = folder / "lake", folder / "copy"
        os.environ["XDG_STATE_HOME"] = str(folder / "state")

    def clear(self):
        for path in (self.lake, self.copy):
            shutil.rmtree(path, ignore_errors=True)

    def weir(self, path, *flags):
        return self.run([str(BIN / "weir"), "partition", str(path), "--table", TABLE, "--lake", str(self.lake), "-q", *flags])

    def cp(self):
        return self.run(["cp", "-r", "--reflink=never", "--sparse=never", str(self.lake / f"am-{TABLE.lower()}"),
                         str(self.copy)])

    def run(self, command):
        subprocess.run(["sync"], check=True)
        return measure(command, self.folder)


def check(lake, path, most):
    """Every line came, once. The number of partitions."""
    blobs = list(lake.glob("am-*/**/PT05M_*.json"))
    held, given = sum(blob.stat().st_size for blob in blobs), path.stat().st_size
    if held != given or len(blobs) > most:
        sys.exit(f"{len(blobs)} blobs with {held} bytes of {given}")
    return len(blobs)


def beside_cp(ground, what, path, runs, limits):
    """Alternating runs. `limits`: goals as shares of cp's time."""
    ours, theirs = [], []
    for run in range(runs):
        ours.append(ground.weir(path))
        if run == 0:
            partitions = check(ground.lake, path, YEAR_PARTITIONS)
        theirs.append(ground.cp())
        ground.clear()
    best, copy = (min(runs, key=lambda done: done.seconds) for runs in (ours, theirs))
    size = path.stat().st_size
    print(f"{what}: {size / 1e9:.2f} GB, {partitions:,} partitions")
    for name, done in ("weir partition", best), ("cp -r", copy):
        print(f"  {name:16} {done.seconds:6.2f} s  {size / done.seconds / 1e9:5.2f} GB/s  user {done.user:5.2f} s  system "
              f"{done.system:5.2f} s  peak {done.peak / 1e6:4.0f} MB")
    print("  all runs, weir/cp: " + "  ".join(f"{a.seconds:.2f}/{b.seconds:.2f}" for a, b in zip(ours, theirs)), flush=True)
    share = best.seconds / copy.seconds
    met = True
    for goal in limits:
        met = tell(f"{what} to {partitions:,} partitions, beside cp -r", f"at most {goal:g}", f"{share:.2f}",
                   share <= goal) and met
    return met


def main():
    met = True
    only = sys.argv[1:]
    for days, name, runs in (WEEK, "a week", RUNS), (YEAR, "a year", max(1, RUNS // 3)):
        for shuffled, order, limits in (False, "sorted", (NO_SLOWER, GOAL)), (True, "shuffled", (SHUFFLED,)):
            if only and name.split()[-1] not in only and order not in only:
                continue
            with Folder(in_memory=True) as folder:
                path = log_file_in(folder, gigabytes(), days, shuffled)
                met = beside_cp(Ground(Path(folder)), f"{name}, {order}", path, runs, limits) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

"""1, 2, 4 and 8 GB in no order through a budget of 256 MB: linear time, and the kernel's peak of the process; beside each a
cp of the file, since what the disk and the page cache take is not linear by itself.

    WEIR_BENCH_DIR=/var/tmp bench/bench_partition_memory.py [GB...]

Input, lake and what is set aside are on a disk here, since they are too large for memory.
"""
import sys
from pathlib import Path

from bench_partition import YEAR_PARTITIONS, Ground, check
from log_files import WEEK, log_file
from rig import Folder, tell

SIZES = (1, 2, 4, 8)
BUDGET = "256MB"
LIMIT = 256_000_000
LINEAR = 1.25  # seconds of a GB of the largest, beside those of the smallest
RUNS_GB = 4  # of each size as many runs as are so many GB together, one at least


def run(size):
    """Best runs of weir and of cp, which take turns, and the highest peak."""
    with Folder() as folder:
        ground, best, copy, peak = Ground(Path(folder)), None, None, 0
        path = log_file(folder, size, WEEK, shuffled=True)
        for _ in range(max(1, round(RUNS_GB / size))):
            done = ground.weir(path, "--memory", BUDGET)
            check(ground.lake, path, YEAR_PARTITIONS)
            ground.clear()
            beside = ground.run(["cp", "--reflink=never", str(path), str(ground.copy)])
            ground.copy.unlink()
            peak = max(peak, done.peak)
            best = min(done, best or done, key=lambda done: done.seconds)
            copy = min(beside, copy or beside, key=lambda done: done.seconds)
        print(f"  {size:g} GB: {best.seconds:6.1f} s, user {best.user:5.1f} s, system {best.system:5.1f} s, peak {peak / 1e6:.0f} MB; "
              f"cp of the file {copy.seconds:6.1f} s", flush=True)
        return best, copy, peak


def main():
    sizes = [float(word) for word in sys.argv[1:]] or SIZES
    done = [run(size) for size in sizes]
    (first, first_copy, _), (last, last_copy, _) = done[0], done[-1]
    peak, grown = max(peak for _, _, peak in done), sizes[-1] / sizes[0]
    met = tell(f"{sizes[-1]:g} GB in no order through {BUDGET}, peak memory", f"at most {LIMIT / 1e6:.0f} MB",
               f"{peak / 1e6:.0f} MB", peak <= LIMIT)
    # What does not fit the page cache any more takes the kernel longer, whoever copies it.
    kernel = last_copy.seconds / first_copy.seconds / grown
    tell(f"the same, time of a GB of cp beside that of {sizes[0]:g} GB", "told", f"{kernel:.2f}", None)
    for what, share in (("time, in that of cp", last.seconds / first.seconds / grown / kernel),
                        ("weir's own processor time", last.user / first.user / grown)):
        met = tell(f"the same, {what}, of a GB beside that of {sizes[0]:g} GB", f"at most {LINEAR:g}", f"{share:.2f}",
                   share <= LINEAR) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

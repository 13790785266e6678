"""weir partition beside PySpark as the notebook uses it, Polars and DuckDB (rival_partition.py): a week of firewalls.

    WEIR_BENCH_PARTITION_GB=2 bench/bench_partition_rivals.py

Input and output in memory. Of weir the whole process counts, of the others their work alone, without their start.
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench_partition import Ground, check, gigabytes
from log_files import WEEK, log_file_in
from rig import Folder, TreeMemory, end, tell

RIVALS = [("spark", "PySpark, local[2]", 30), ("polars", "Polars", 8), ("duckdb", "DuckDB (Parquet)", 5)]
RUNS = {"spark": 1, "polars": 3, "duckdb": 3}
WEIR_RUNS = 3  # around each rival


def rival(name, path, folder):
    """Seconds and peak of one run."""
    out = folder / "out"
    subprocess.run(["sync"], check=True)
    process = subprocess.Popen([sys.executable, "-B", Path(__file__).with_name("rival_partition.py"), name, path, out],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        with TreeMemory(process.pid) as tree:
            said = process.stdout.read()
        process.wait()
    finally:
        end(process)
    if process.returncode != 0:
        sys.exit(f"rival_partition.py {name}: status {process.returncode}")
    files = sum(1 for entry in out.rglob("*") if entry.is_file())
    shutil.rmtree(out)
    return json.loads(said.splitlines()[-1])["seconds"], tree.peak, files


def main():
    met = True
    with Folder(in_memory=True) as folder:
        ground = Ground(Path(folder))
        path = log_file_in(folder, gigabytes(), WEEK)
        os.environ["SPARK_LOCAL_DIRS"] = str(folder)
        for name, title, times in RIVALS:
            ours, theirs = [], []
            for _ in range(max(WEIR_RUNS, RUNS[name])):
                ours.append(ground.weir(path))
                partitions = check(ground.lake, path, 1 << 20)
                ground.clear()
                if len(theirs) < RUNS[name]:
                    theirs.append(rival(name, path, Path(folder)))
            best, (seconds, peak, files) = min(done.seconds for done in ours), min(theirs)
            print(f"  weir {best:6.2f} s, {max(done.peak for done in ours) / 1e6:5.0f} MB, {partitions:,} partitions   "
                  f"{title} {seconds:7.2f} s, {peak / 1e6:6.0f} MB, {files:,} files", flush=True)
            met = tell(f"partitions of a week, beside {title}", f"at least {times} times faster",
                       f"{seconds / best:.1f} times", seconds >= times * best) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

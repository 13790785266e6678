"""The work of bench_rows as the old notebook does it: json.loads, a pandas frame, JSON lines by partition.

Prints the same figure, and how many times faster weir's way is; both in this run, of one core.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import pandas as pd
from rig import tell

BENCH = os.path.join(os.environ["WEIR_BENCH"], "bench_rows")
SCHEMA = os.path.join(os.environ["WEIR_SOURCE"], "schemas", "CommonSecurityLog.columns")
WAY = "AVX2: scanner, keys, lines in piles"
SPEED, TIMES = 1.5, 30


def columns():
    with open(SCHEMA, encoding="utf-8") as file:
        names = [line.split()[0] for line in file if line.strip() and not line.startswith("#")]
    return names + ["_ItemId"]


def partitions(body, names):
    frame = pd.DataFrame(json.loads(body), columns=names)
    frame["TimeGenerated"] = pd.to_datetime(frame["TimeGenerated"], format="ISO8601")
    return {
        tick: rows.to_json(orient="records", lines=True, date_format="iso")
        for tick, rows in frame.groupby(frame["TimeGenerated"].dt.floor("5min"))
    }


def weir():
    out = subprocess.run([BENCH, WAY], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([\d.]+) GB/s", out).group(1))


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "body")
        subprocess.run([BENCH, "--body", path], check=True)
        with open(path, "rb") as file:
            body = file.read()
    names = columns()
    begin = time.process_time()
    made = partitions(body, names)
    seconds = time.process_time() - begin
    python, ours = len(body) / seconds / 1e9, weir()
    print(f"{'Python: json and pandas':<44} {python:6.3f} GB/s   ({len(made)} partitions)")
    print(f"{'weir: ' + WAY:<44} {ours:6.2f} GB/s   {ours / python:.0f} times that")
    met = [tell("rows to lines in piles, one core", f"at least {SPEED} GB/s", f"{ours:.2f} GB/s", ours >= SPEED),
           tell("rows to lines, times Python and pandas", f"at least {TIMES}", f"{ours / python:.0f}",
                ours / python >= TIMES)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

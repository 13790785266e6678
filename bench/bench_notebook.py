"""weir export beside what one would use instead, the notebook's way (notebook_export.py), against the same emulator.

    WEIR_BENCH_NOTEBOOK_GB=0.25 bench/bench_notebook.py

The same week for both, with the service's limits and over TLS, which Microsoft's client asks for: undisturbed, then with
faults, then with a burst of rows in one tick as an attack or a replay makes it. Rows missing and rows doubled are counted
by _ItemId against what the workspace holds; the notebook's query names that column, which it would not see otherwise.
Smaller than the full export, because the notebook holds all rows in memory at its end.
"""
import collections
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pandas as pd
from rig import DAYS, END, RANGE, SERVICE, TABLE, Emulator, Folder, TreeMemory, Weir, end, generate, tell

FROM = "2021-11-01"
QUERY = f"{TABLE} | extend ItemId = _ItemId "
FAULTS = ["--fault", "429:0.1,503:0.05,partial:0.05,cut:0.05", "--seed", "5"]
FASTER, SMALLER = 2, 0.1
BURST_ROWS, BURST_BASE_GB = 150_000, 0.02
ITEM = re.compile(rb'"_ItemId":"([^"]*)"')
INCOMPLETE = 3


def post(url, data, headers):
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=600) as answer:
        return json.loads(answer.read())


def truth(data, folder):
    """The ids that the workspace holds, asked of an emulator without limits, a day at a time."""
    ids = []
    with Emulator(data, folder, "--max-rows", "100000000", "--max-bytes", "100GB", "--max-json", "100GB") as emulator:
        info = emulator.info
        form = {"grant_type": "client_credentials", "client_id": info["client_id"],
                "client_secret": Path(info["client_secret_file"]).read_text(), "scope": info["audience"] + "/.default"}
        token = post(f"{info['authority']}/{info['tenant']}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode(),
                     {})["access_token"]
        for day in range(DAYS):
            query = (f"{TABLE} | where TimeGenerated >= datetime({FROM}) + {day}d and "
                     f"TimeGenerated < datetime({FROM}) + {day + 1}d | project _ItemId")
            answer = post(f"{info['endpoint']}/v1/workspaces/{info['workspace_id']}/query",
                          json.dumps({"query": query}).encode(),
                          {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
            ids += [row[0] for row in answer["tables"][0]["rows"]]
    held = set(ids)
    if len(held) != len(ids):
        sys.exit("the workspace has one id twice")
    return held


class Outcome:
    """How one of the two did: time, memory, and what is in its output."""

    def __init__(self, who, seconds, peak, told, ids, held):
        self.who, self.seconds, self.peak, self.told = who, seconds, peak, told
        counts = collections.Counter(ids)
        self.missing = len(held) - len(held & counts.keys())
        self.doubled = sum(count - 1 for count in counts.values())
        self.strange = len(counts.keys() - held)

    def exact(self):
        return self.missing == self.doubled == self.strange == 0

    def show(self):
        print(f"  {self.who:<9} {self.seconds:7.1f} s  {self.peak / 1e6:7.0f} MB  {self.missing:>9,} rows missing  "
              f"{self.doubled:>7,} doubled   {self.told}")


def run_weir(emulator, folder, held):
    with Folder(in_memory=True) as memory:
        weir = Weir(emulator, folder, memory / "lake")
        done = weir.measure("export", TABLE, *RANGE, "-q", "--yes", ok=(0, INCOMPLETE))
        ids = [item.decode() for blob in weir.lake.glob("am-*/**/PT05M_weir.json")
               for item in ITEM.findall(blob.read_bytes())]
        return Outcome("weir", done.seconds, done.peak, f"status {done.status}", ids, held)


def run_notebook(emulator, folder, held):
    with Folder(in_memory=True) as memory:
        out = memory / "out"
        command = [sys.executable, "-B", Path(__file__).with_name("notebook_export.py"), emulator.ready, QUERY,
                   f"{FROM}T00:00:00", f"{END}T00:00:00", out]
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            with TreeMemory(process.pid) as tree:
                said = process.stdout.read()
            process.wait()
        finally:
            end(process)
        seconds = time.perf_counter() - begin
        if process.returncode != 0:
            sys.exit(f"notebook_export.py: status {process.returncode}")
        jobs = json.loads(said)
        told = (f"jobs that ended early {sum(job['ended_early'] for job in jobs)}, "
                f"windows skipped {sum(job['skipped'] for job in jobs)}, "
                f"other errors {sum(job['errors'] for job in jobs)}")
        whole = out / "all.csv"
        ids = pd.read_csv(whole, usecols=["ItemId"], dtype=str)["ItemId"].tolist() if whole.exists() else []
        return Outcome("notebook", seconds, tree.peak, told, ids, held)


def side_by_side(name, data, folder, held, *flags):
    """Each with an emulator of its own, started alike, so that both meet the same faults from the first query on."""
    outcomes = []
    print(name, flush=True)
    for run in (run_weir, run_notebook):
        with Emulator(data, folder, *SERVICE, "--tls", *flags) as emulator:
            outcomes.append(run(emulator, folder, held))
        outcomes[-1].show()
    return outcomes


def add_burst(data):
    """Many rows of one tick: the first line again and again, with another session each."""
    path = data / f"{TABLE}.jsonl"
    with open(path, encoding="utf-8") as file:
        line = json.loads(file.readline())
    line["TimeGenerated"] = f"{FROM[:8]}03T03:04:05.1234567Z"
    with open(data / f"{TABLE}.burst.jsonl", "w", encoding="utf-8") as file:
        for i in range(BURST_ROWS):
            line["FieldDeviceCustomNumber1"] = i
            file.write(json.dumps(line) + "\n")


def compare(size, folder):
    data, rows = generate(folder, size)
    held = truth(data, folder)
    print(f"{rows:,} rows, about {size:g} GB of answers")
    weir, notebook = side_by_side("undisturbed", data, folder, held)
    faster, smaller = notebook.seconds / weir.seconds, weir.peak / notebook.peak
    faulty_weir, faulty = side_by_side("with faults: " + FAULTS[1], data, folder, held, *FAULTS)
    name = f"beside the notebook, {size:g} GB"
    tell(f"{name}: times", "", f"weir {weir.seconds:.1f} s, notebook {notebook.seconds:.1f} s", None)
    return [tell(f"{name}: times faster", f"at least {FASTER}", f"{faster:.1f}", faster >= FASTER),
            tell(f"{name}: of its memory", f"at most {SMALLER:.0%}",
                 f"{smaller:.1%} ({weir.peak / 1e6:.0f} of {notebook.peak / 1e6:.0f} MB)", smaller <= SMALLER),
            tell_rows(f"{name}: rows missing, doubled", weir, notebook),
            tell_rows(f"{name}, with faults: rows missing, doubled", faulty_weir, faulty)]


def tell_rows(name, weir, notebook):
    return tell(name, "weir none", f"weir {weir.missing:,}, {weir.doubled:,}; notebook {notebook.missing:,}, "
                f"{notebook.doubled:,}", weir.exact())


def burst(folder):
    data, _ = generate(folder / "burst", BURST_BASE_GB, seed=2)
    add_burst(data)
    held = truth(data, folder)
    weir, notebook = side_by_side(f"a burst of {BURST_ROWS:,} rows in one tick", data, folder, held)
    return [tell_rows(f"a burst of {BURST_ROWS:,} rows: rows missing, doubled", weir, notebook)]


def main():
    size = float(os.environ.get("WEIR_BENCH_NOTEBOOK_GB", "0.25"))
    with Folder() as folder:
        met = compare(size, folder) + burst(folder)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

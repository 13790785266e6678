"""What the campaigns of disasters share: tables worth disturbing, a library laid under weir, and what a lake must be
like whatever happened to those who wrote it.

The lake is judged by docs/formats.md alone, with Python's own json and hashlib.
"""
import hashlib
import json
import os
import random
import re
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import BIN, digest, generate

DISASTER = BIN.parent / "tests" / "libdisaster.so"  # tests/support/disaster.c
SEGMENT = re.compile(r"\d{8}\.jsonl$")
BLOB = "PT05M_weir.json"


def count_of(name, usual):
    """How many: WEIR_KILLS=500, say, for more than the usual."""
    return int(os.environ.get(name, usual))


def seed_of(what):
    """A new seed for each run, told, and taken again from WEIR_SEED."""
    seed = int(os.environ.get("WEIR_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"{what}: seed {seed} (WEIR_SEED={seed} for the same again)", flush=True)
    return seed


def laid_under(weir=None, **disaster):
    """Variables that lay the library under weir: laid_under(weir, call="rename:3:EIO", speed=20)."""
    names = {"call": "DISASTER", "speed": "DISASTER_SPEED", "clock": "DISASTER_CLOCK", "counts": "DISASTER_COUNTS"}
    out = {"LD_PRELOAD": str(DISASTER)}
    if weir:
        out["DISASTER_UNDER"] = str(weir.lake)
    out.update({names[key]: str(value) for key, value in disaster.items() if value is not None})
    return out


def burst(folder, table, rows, of=None):
    """Moves `rows` neighbouring lines of a table's file into one tick."""
    path = folder / f"{table}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    first = len(lines) // 3 if of is None else of
    tick = re.search(rb'"TimeGenerated":"[^"]*"', lines[first]).group()
    for i in range(first, min(first + rows, len(lines))):
        lines[i] = re.sub(rb'"TimeGenerated":"[^"]*"', tick, lines[i], count=1)
    path.write_bytes(b"".join(lines))


def tables(rows, days=2, seed=7):
    """A folder with tables of several shapes, each with a burst; `rows`: name to number of lines."""
    folder = None
    for table, n in rows.items():
        made = generate(table, rows=n, days=days, seed=seed)
        burst(made, table, n // 20)
        if folder:
            shutil.move(made / f"{table}.jsonl", folder)
            shutil.rmtree(made)
        folder = folder or made
    return folder


# -- what a lake must be like --

def own_folder(lake, table):
    (folder,) = lake.glob(f"weir/*/{table.lower().replace('_', '-')}")
    return folder


def ledger_lines(lake, table):
    """Of each partition the line that counts; an AssertionError where the chain does not hold."""
    folder, lines, before = own_folder(lake, table) / "ledger", {}, None
    for number, path in enumerate(sorted(folder.iterdir()) if folder.exists() else [], 1):
        data = path.read_bytes()
        assert path.name == f"{number:08}.jsonl", f"{path}: not the next of the chain"
        assert data.endswith(b"\n"), f"{path}: torn"
        *whole, last = data.splitlines(keepends=True)
        head, end = json.loads(whole[0]), json.loads(last)
        assert head["previous"] == before, f"{path}: names another before it"
        assert end == {"lines": len(whole) - 1, "sha256": hashlib.sha256(b"".join(whole)).hexdigest()}, f"{path}: end"
        before = hashlib.sha256(data).hexdigest()
        for text in whole[1:]:
            line = json.loads(text)
            lines[line["partition"]] = line
    return lines


def partition_name(path):
    """.../y=2021/m=11/d=07/h=03/m=05/PT05M_weir.json -> 2021-11-07T03:05:00Z"""
    y, mo, d, h, mi = (part.split("=")[1] for part in Path(path).parts[-6:-1])
    return f"{y}-{mo}-{d}T{h}:{mi}:00Z"


def never_a_lie(weir, table, truth):
    """At any instant: a blob is there whole or not at all, and what the ledger calls verified is true."""
    if not list(weir.lake.glob("weir/*/" + table.lower().replace("_", "-"))):
        assert not list(weir.lake.glob("am-*/**/*.json")), "blobs without a folder of weir's own"
        return
    there = digest(weir, table)
    for name, sha in there.items():
        assert truth.get(name) == sha, f"{name} is not what the workspace has"
    by_partition = {partition_name(name): sha for name, sha in there.items()}
    should = {partition_name(name): sha for name, sha in truth.items()}
    for partition, line in ledger_lines(weir.lake, table).items():
        if line["verdict"] != "verified":
            continue
        assert line.get("sha256") == should.get(partition), f"{partition} is called verified and is not the truth"
        assert by_partition.get(partition) == line.get("sha256"), f"{partition} is called verified, its blob is another"


def strays(lake):
    """Files and folders that have no business in a lake where no weir runs."""
    out = []
    for path in lake.rglob("*"):
        name = path.relative_to(lake)
        if path.is_dir():
            if len(name.parts) > 2 and name.parts[:2] == ("weir", "tmp"):
                out.append(str(name))
        elif name.parts[0].startswith("am-"):
            if path.name != BLOB:
                out.append(str(name))
        elif not (name.parts[0] == "weir" and len(name.parts) in (4, 5) and
                  (path.name == "schema.json" or (name.parts[3] == "ledger" and SEGMENT.match(path.name)))):
            out.append(str(name))
    return out


def items_doubled(weir, table):
    seen, doubled = set(), 0
    for row in weir.rows(table):
        doubled += row["_ItemId"] in seen
        seen.add(row["_ItemId"])
    return doubled


def whole(weir, table, truth, items=True, source=()):
    """At the end: the very bytes of an undisturbed export, proven, and nothing beside them."""
    got = digest(weir, table)
    missing, other, more = truth.keys() - got.keys(), [n for n in got if truth.get(n, got[n]) != got[n]], got.keys() - truth.keys()
    assert got == truth, f"missing {sorted(missing)[:3]}, other {other[:3]}, too many {sorted(more)[:3]}"
    assert not strays(weir.lake), f"orphans: {strays(weir.lake)[:5]}"
    assert not items or not items_doubled(weir, table), "rows are there twice"
    never_a_lie(weir, table, truth)
    weir.ok("verify", table, "--offline")
    if source is not None:
        weir.ok("verify", *(source or [table]))


# -- running many --

class Tally:
    """Figures that threads add to, and the stories that went wrong."""

    def __init__(self, what):
        self.what, self.figures, self.wrong = what, {}, []
        self.guard, self.begun = threading.Lock(), time.monotonic()

    def add(self, figure, n=1):
        with self.guard:
            self.figures[figure] = self.figures.get(figure, 0) + n

    def failed(self, story, why):
        with self.guard:
            self.wrong.append((story, why))
            print(f"FAILED story {story}: {why}", flush=True)

    def tell(self):
        """One line of JSON, so that scripts/soak can gather it."""
        told = {"campaign": self.what, **dict(sorted(self.figures.items())), "failures": len(self.wrong),
                "seconds": round(time.monotonic() - self.begun, 1)}
        print(json.dumps(told), flush=True)


def run_all(tally, stories, tell, workers):
    """tell(story) for all of them, a few at once; what it raises is a failure, kept with its story."""
    begun = time.monotonic()

    def one(story):
        try:
            tell(story)
        except Exception as wrong:  # pylint: disable=broad-except
            tally.failed(story, f"{type(wrong).__name__}: {wrong}")
        tally.add("stories")
        if tally.figures["stories"] % 20 == 0:
            print(f"{tally.figures['stories']} of {len(stories)} stories, {time.monotonic() - begun:.0f} s", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, stories))
    tally.tell()

"""An export at full size beside the ideal, and where the rest of its time goes.

    WEIR_BENCH_GB=5 bench/bench_export.py

About 5 GB of answers, served with the service's limits: 5 queries at once, 200 requests in 30 s, 2 s before each answer,
20 MB/s an answer, 500,000 rows, 64,000,000 engine bytes, 100,000,000 bytes of JSON.

The ideal: as few batches as the three ceilings allow, all full, each 2 s and its bytes at 20 MB/s, five abreast without a
gap. Counting, learning and verifying are in weir's time and not in the ideal's.
"""
import math
import sys

from rig import (BANDWIDTH, BYTES, JSON_BYTES, LANES, LATENCY, RANGE, ROWS, SERVICE, TABLE, Emulator, Folder, Weir,
                 generate, gigabytes, tell)

GOAL, WISH = 0.85, 0.92


def is_batch(query):
    """Queries that fetch rows for the lake; not counts, and not the sample of an estimate."""
    return "| project ['" in query["query"] and "| take " not in query["query"]


def is_count(query):
    return "| summarize Rows = count()" in query["query"]


def came_whole(query):
    return query["status"] == 200 and query["fault"] == "none"


class Lanes:
    """The log of an export's queries, as times: an answer takes the latency or its computing, then its bytes."""

    def __init__(self, log, began, seconds):
        self.batches = [query for query in log if is_batch(query)]
        # One that is refused for its size has rows as well: those below the ceiling.
        self.refused = [query for query in self.batches if not came_whole(query) or self._partial(query)]
        self.whole = [query for query in self.batches if query not in self.refused]
        self.others = [query for query in log if not is_batch(query)]
        self.began, self.ended = began, began + seconds
        self.seconds = seconds

    @staticmethod
    def _partial(query):
        return query["rows"] >= ROWS or query["bytes"] >= BYTES

    @staticmethod
    def answer(query):
        """Seconds of a lane that an answer takes, queue included."""
        return query["waited"] + max(LATENCY, query["seconds"]) + query["body"] / BANDWIDTH

    def ends(self, query):
        return query["at"] + self.answer(query)

    def total(self, name):
        return sum(query[name] for query in self.whole)

    def ideal(self):
        """(batches, seconds)"""
        batches = max(math.ceil(self.total("rows") / ROWS), math.ceil(self.total("bytes") / BYTES),
                      math.ceil(self.total("body") / JSON_BYTES))
        return batches, (batches * LATENCY + self.total("body") / BANDWIDTH) / LANES

    def late(self):
        """Seconds of the export in which answers were late for want of processors here: a full service has them."""
        counts = sum(self.answer(query) - LATENCY for query in self.others if is_count(query))
        return counts + sum(self.answer(query) - LATENCY - query["body"] / BANDWIDTH for query in self.whole) / LANES

    def losses(self):
        """(what, seconds) of the time above the ideal; together they are all of it."""
        batches, ideal = self.ideal()
        first = min(query["at"] for query in self.batches)
        last = max(self.ends(query) for query in self.batches)
        counts = [query for query in self.others if is_count(query) and query["at"] < first]
        counting = sum(self.answer(query) for query in counts)
        more = (len(self.whole) - batches) * LATENCY / LANES
        refused = sum(self.answer(query) for query in self.refused) / LANES
        late = sum(self.answer(query) - LATENCY - query["body"] / BANDWIDTH for query in self.whole) / LANES
        idle = last - first - ideal - more - refused - late
        return [("start, before the first batch, but for counting", first - self.began - counting),
                (f"counting, {len(counts)} queries", counting),
                (f"{len(self.whole)} batches, not {batches}", more),
                (f"{len(self.refused)} batches refused or broken", refused),
                ("answers late: queue, computing beyond the latency", late),
                ("lanes idle while batches were fetched", idle),
                ("end, after the last answer", self.ended - last)]


def timeline(lanes):
    """A row a query: when it began and ended, for finding out what went on (-v)."""
    for query in sorted(lanes.others + lanes.batches, key=lambda query: query["at"]):
        kind = "batch" if is_batch(query) else "count" if is_count(query) else "other"
        print(f"  {query['at'] - lanes.began:7.2f} to {lanes.ends(query) - lanes.began:7.2f} s  {kind}  "
              f"{query['rows']:>9,} rows  {query['bytes'] / 1e6:6.1f} MB  {query['body'] / 1e6:6.1f} MB JSON  "
              f"computed in {query['seconds']:.2f} s  {query['status']}")


def report(lanes, done, rows, verbose):
    batches, ideal = lanes.ideal()
    ratio = ideal / done.seconds
    print(f"{lanes.total('rows'):,} rows, {lanes.total('bytes') / 1e9:.2f} GB as the engine counts, "
          f"{lanes.total('body') / 1e9:.2f} GB as JSON: {done.last()}")
    print(f"ideal: {batches} batches in {ideal:.1f} s; weir: {len(lanes.batches)} in {done.seconds:.1f} s")
    for what, seconds in lanes.losses():
        print(f"  {seconds:6.2f} s  {100 * seconds / done.seconds:5.1f} %  {what}")
    if verbose:
        timeline(lanes)
    size = f"{lanes.total('body') / 1e9:.1f} GB"
    complete = lanes.total("rows") >= rows
    if not complete:
        print(f"only {lanes.total('rows'):,} of {rows:,} rows were answered", file=sys.stderr)
    good = tell(f"export of {size}, of the ideal", f"{GOAL:.0%}, wished {WISH:.0%}", f"{ratio:.1%}", ratio >= GOAL)
    tell(f"export of {size}, of the ideal but for late answers", "",
         f"{ideal / (done.seconds - lanes.late()):.1%} ({lanes.late():.1f} s late)", None)
    tell(f"export of {size}, time", "", f"{done.seconds:.1f} s, ideal {ideal:.1f} s", None)
    tell(f"export of {size}, peak memory", "", f"{done.peak / 1e6:.0f} MB", None)
    tell(f"export of {size}, CPU", "", f"{done.user:.1f} s user, {done.system:.1f} s system", None)
    return good and complete


def main():
    size = gigabytes(5)
    with Folder() as folder, Folder(in_memory=True) as memory:
        data, rows = generate(folder, size)
        with Emulator(data, folder, *SERVICE) as emulator:
            done = Weir(emulator, folder, memory / "lake").measure("export", TABLE, *RANGE, "-q", "--yes")
            lanes = Lanes(emulator.log(), done.began, done.seconds)
    return 0 if report(lanes, done, rows, "-v" in sys.argv) else 1


if __name__ == "__main__":
    sys.exit(main())

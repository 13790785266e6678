"""Queries of compacted days, beside DuckDB over the same partitions (read_json) and over Parquet of its own COPY; and what
compacting costs.

    WEIR_BENCH_PARTITION_GB=2 bench/bench_compact.py

DuckDB is its own command line of the version that weir has in it, a process for each query like weir's; both have all
processors, and everything lies in memory. The answers must be equal.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

from bench_partition import Ground, gigabytes
from log_files import WEEK, log_file
from rig import BIN, TABLE, Folder, measure, tell

RUNS = 7
DUCKDB = Path(sys.prefix) / "bin" / "duckdb"
SELECTIVE, GROUPS, OWN = 20, 2, 1.0

# Name, KQL, SQL over the view `rows`, goal beside read_json.
QUERIES = [
    ("a selective filter",
     "{t} | where DestinationIP == '{ip}' | summarize n = count(), first = min(TimeGenerated), bytes = sum(SentBytes)",
     "SELECT count(*) AS n, min(TimeGenerated) AS first, sum(SentBytes) AS bytes FROM {rows} WHERE DestinationIP = '{ip}'",
     SELECTIVE),
    ("a selective filter with a range of time",
     "{t} | where TimeGenerated >= datetime(2021-11-04T10:00:00Z) and TimeGenerated < datetime(2021-11-04T10:30:00Z) "
     "| where SourceIP == '{source}' | summarize n = count(), bytes = sum(SentBytes)",
     "SELECT count(*) AS n, sum(SentBytes) AS bytes FROM {rows} WHERE TimeGenerated >= '2021-11-04T10:00:00Z' "
     "AND TimeGenerated < '2021-11-04T10:30:00Z' AND SourceIP = '{source}'", SELECTIVE),
    ("a high-cardinality group-by",
     "{t} | summarize n = count(), bytes = sum(SentBytes) by SourceIP, DestinationIP, SourcePort | "
     "summarize groups = count(), most = max(n), bytes = sum(bytes)",
     "SELECT count(*) AS groups, max(n) AS most, sum(bytes) AS bytes FROM (SELECT count(*) AS n, sum(SentBytes) AS bytes "
     "FROM {rows} GROUP BY SourceIP, DestinationIP, SourcePort)", GROUPS),
]


class Compacted:
    """A lake whose days are compacted, its partitions, and DuckDB's own Parquet of them."""

    def __init__(self, folder, path):
        self.folder, self.ground = folder, Ground(folder)
        self.lake, self.own = self.ground.lake, folder / "own.parquet"
        self.ground.weir(path)
        self.json = f"{self.lake}/am-{TABLE.lower()}/**/PT05M_*.json"
        self.size = path.stat().st_size
        with open(path, "rb") as lines:
            row = json.loads(next(line for i, line in enumerate(lines) if i == 1000))
        self.rare = {"ip": row["DestinationIP"], "source": row["SourceIP"]}

    def compact(self):
        done = self.ground.run([str(BIN / "weir"), "compact", TABLE, "--lake", str(self.lake), "--closed-after", "0s",
                                "--start", "2021-10-01", "--end", "2021-12-01", "-q"])
        files = list(self.lake.glob("weir/*/*/parquet/**/*.parquet"))
        size = sum(file.stat().st_size for file in files)
        print(f"  weir compact: {done.seconds:6.1f} s, {self.size / done.seconds / 1e6:5.0f} MB/s, peak {done.peak / 1e6:5.0f} MB, "
              f"{len(files)} files, {self.size / size:4.1f} times smaller", flush=True)

    def copy(self):
        """As a user of DuckDB keeps a table: all rows by time, zstd."""
        done = self.duckdb(f"COPY (SELECT * FROM {self.read_json()} ORDER BY TimeGenerated) TO '{self.own}' "
                           "(FORMAT parquet, COMPRESSION zstd)")
        print(f"  DuckDB's COPY: {done.seconds:5.1f} s, peak {done.peak / 1e6:5.0f} MB, {self.size / self.own.stat().st_size:4.1f} "
              "times smaller", flush=True)

    def read_json(self):
        return f"read_json('{self.json}', format = 'newline_delimited', hive_partitioning = false)"

    def duckdb(self, sql):
        return self.ground.run([str(DUCKDB), "-json", "-c", f"SET TimeZone = 'UTC'; {sql}"])

    def answer(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)[0]

    def weir_command(self, kql):
        return [str(BIN / "weir"), "query", kql, "--lake", str(self.lake), "--output", "json", "-q"]

    def duckdb_command(self, sql):
        return [str(DUCKDB), "-json", "-c", f"SET TimeZone = 'UTC'; {sql}"]


def figures(answer):
    """Whole numbers, in order: times are written in other ways."""
    return {name: int(value) for name, value in answer.items() if str(value).isdigit()}


def best_of(held, ways):
    """The fastest run of each, of as many; in turn, so that what else the machine does meets all alike."""
    runs = {way: [] for way in ways}
    for _ in range(RUNS):
        for way, command in ways.items():
            runs[way].append(measure(command, held.folder))
    return {way: min(done, key=lambda run: run.seconds) for way, done in runs.items()}


def compare(held, name, kql, sql, goal):
    kql = kql.format(t=TABLE, **held.rare)
    ways = {"weir": held.weir_command(kql),
            "DuckDB, its own Parquet": held.duckdb_command(sql.format(rows=f"'{held.own}'", **held.rare)),
            "DuckDB, read_json": held.duckdb_command(sql.format(rows=held.read_json(), **held.rare))}
    answers = {way: figures(held.answer(command)) for way, command in ways.items()}
    if len({json.dumps(answer, sort_keys=True) for answer in answers.values()}) != 1:
        sys.exit(f"{name}: answers differ: {answers}")
    best = best_of(held, ways)
    print(f"{name}: {answers['weir']}")
    for way, done in best.items():
        print(f"  {way:24} {done.seconds * 1e3:8.0f} ms, processor {done.cpu * 1e3:8.0f} ms, peak {done.peak / 1e6:6.0f} MB",
              flush=True)
    ours, own, lines = (best[way].seconds for way in ways)
    met = tell(f"{name} of compacted days, beside read_json", f"at least {goal} times faster", f"{lines / ours:.1f} times",
               lines >= goal * ours)
    return tell("the same, beside DuckDB's own Parquet", f"at most {OWN:g}", f"{ours / own:.2f}", ours <= OWN * own) and met


def start_up(held):
    """What each process costs before it reads a row: it is in every figure below."""
    best = best_of(held, {"weir": held.weir_command("print 1"), "DuckDB": held.duckdb_command("SELECT 1")})
    ours, theirs = (done.seconds for done in best.values())
    tell("start and end of a query that reads nothing, DuckDB's beside it", "told",
         f"{ours * 1e3:.0f} ms, {theirs * 1e3:.0f} ms", None)


def main():
    with Folder(in_memory=True) as folder:
        path = log_file(folder, gigabytes(), WEEK)
        held = Compacted(Path(folder), path)
        if not os.environ.get("WEIR_BENCH_DATA"):
            path.unlink()
        held.compact()
        held.copy()
        start_up(held)
        met = [compare(held, *query) for query in QUERIES]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

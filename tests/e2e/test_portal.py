"""Files as users have them, served by the emulator, exported, and compared value by value with the source.

WEIR_PORTAL_DATA names a folder with whole files in place of the pieces in tests/data/portal.
"""
import csv
import io
import json
import os
import re
import sys
import unittest
from collections import Counter
from pathlib import Path

from harness import DATA, Emulator, Folder, Number, Weir, iso, parse, partition_of, ticks

PORTAL = Path(os.environ.get("WEIR_PORTAL_DATA", DATA / "portal"))
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
PACIFIC = "TimeGenerated [Pacific Time (US and Canada) Tijuana]"


def plain(name):
    """`TimeGenerated [UTC]` is TimeGenerated."""
    return re.sub(r" \[.*\]$", "", name)


def source_rows(path):
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    return parse(text)


def has_time(rows):
    return any(plain(key) == "TimeGenerated" for key in rows[0])


def as_string(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return "" if value is None else value


def as_number(value, whole):
    text = as_string(value)
    try:
        number = float(text)
    except ValueError:
        return None
    if whole and number != int(number):
        return None
    return Number(text)


def as_time(value, zone):
    tick = ticks(as_string(value))
    if tick is not None and zone:
        from datetime import datetime, timedelta
        from zoneinfo import ZoneInfo
        local = datetime(1, 1, 1) + timedelta(seconds=tick // 10_000_000)
        tick -= int(local.replace(tzinfo=ZoneInfo("America/Los_Angeles")).utcoffset().total_seconds()) * 10_000_000
    return tick


def expected(value, kind, zone):
    """What the lake must hold of a source value; None: nothing, since nulls and empty strings are left out."""
    text = as_string(value)
    if kind == "string":
        return text or None
    if kind == "datetime":
        return as_time(value, zone)
    if kind in ("int", "long"):
        return as_number(value, True)
    if kind == "real":
        return as_number(value, False)
    if kind == "bool":
        return {"true": True, "false": False}.get(text.lower())
    if kind == "guid":
        return text.lower() if GUID.match(text.lower()) else None
    raise AssertionError(f"no source column has type {kind}")


def found(value, kind):
    if value is not None and kind == "datetime":
        return ticks(value)
    return value


def comparable(value):
    return (type(value).__name__, float(value) if isinstance(value, Number) else value)


class Portal(unittest.TestCase):
    def export(self, path):
        data = Folder().path
        (data / path.name).symlink_to(path.resolve())
        emulator = self.enterContext(Emulator(data))
        weir = Weir(emulator)
        table = path.name.split(".")[0]
        return weir, table

    def compare(self, path, rows):
        weir, table = self.export(path)
        zone = "Pacific" if PACIFIC in rows[0] else None
        times = [as_time(value, zone) for row in rows for key, value in row.items() if plain(key) == "TimeGenerated"]
        weir.ok("export", table, "--start", iso(min(times)), "--end", iso(max(times) + 300 * 10_000_000))
        types = weir.schema(table)
        # A key that differs from a column of the table in case alone is that column (ProcessId, ProcessID).
        cased = {name.lower(): name for name in types}
        names = sorted({cased.get(plain(key).lower(), plain(key)) for row in rows for key in row})
        self.assertEqual(types["TimeGenerated"], "datetime")
        for name in names:
            self.assertIn(name, types)
        want, got = Counter(), Counter()
        for row in rows:
            values = {cased[plain(key).lower()]: value for key, value in row.items()}
            want[tuple(comparable(expected(values.get(n), types[n], zone)) for n in names)] += 1
        items = Counter()
        for row in weir.rows(table):
            got[tuple(comparable(found(row.get(n), types[n])) for n in names)] += 1
            items[row["_ItemId"]] += 1
            self.assertEqual(row["Type"], table)
        self.assertEqual(sum(got.values()), len(rows))
        self.assertEqual(want - got, Counter(), "rows that the lake lacks")
        self.assertEqual(max(items.values()), 1)
        self.check_places(weir, table)
        weir.ok("verify", table, "--offline")

    def check_places(self, weir, table):
        five_minutes = 300 * 10_000_000
        for blob in weir.blobs(table):
            begin, last = partition_of(blob), None
            for line in blob.read_bytes().splitlines():
                tick = ticks(json.loads(line)["TimeGenerated"])
                self.assertTrue(begin <= tick < begin + five_minutes)
                self.assertTrue(last is None or last <= (tick, line))
                last = (tick, line)


def add_tests():
    for path in sorted(PORTAL.glob("*.*")):
        if path.suffix not in (".json", ".csv"):
            continue
        rows = source_rows(path)

        def run(self, path=path, rows=rows):
            if has_time(rows):
                self.compare(path, rows)
                return
            weir, table = self.export(path)
            done = weir.run("export", table, "--end-date", "2021-11-07")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("TimeGenerated", done.stderr)
            self.assertEqual(weir.blobs(table), [])
        name = re.sub(r"\W+", "_", path.name)
        setattr(Portal, f"test_{name}", run)


add_tests()

if __name__ == "__main__":
    if not PORTAL.is_dir():
        sys.exit(f"no folder {PORTAL}")
    unittest.main(verbosity=2)

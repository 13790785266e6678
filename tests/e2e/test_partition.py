"""weir partition and a plain Python reference of it agree: which lines are in which partition, in which order, byte for byte;
which are rejected, where and why. On files made to be misread (hostile_logs.py), and on real ones (tests/data).

WEIR_SEED takes a seed again, WEIR_FILES says how many hostile files there are, WEIR_SHARED_DATA names a folder with whole
files in place of the pieces in tests/data.
"""
import json
import os
import random
import re
import shutil
import subprocess
import unittest
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet

import reference_partition as reference
from campaign import count_of, seed_of
from harness import BIN, DATA, Folder, Number, Weir, environment, parse, ticks
from hostile_logs import Hostile, HostileCsv, packed_gzip, packed_zstd

FILES = 90
SHARED = Path(os.environ.get("WEIR_SHARED_DATA", DATA))
PACIFIC = reference.named("America/Los_Angeles")  # whose clock repeats an hour on 2021-11-07
PORTAL, ZEEK = SHARED / "portal", SHARED / "zeek" / "apt29-day1.jsonl"
INCOMPLETE = 3
STYLES = ["iso"] * 5 + ["us", "epoch-s", "epoch-ms"]


class Import:
    """One `weir partition` and what came of it."""

    def __init__(self, weir, *words, table="Hostile_CL", input=None):
        self.weir, self.table = weir, table
        self.reject_file = weir.folder / "rejects.jsonl"
        self.reject_file.unlink(missing_ok=True)
        words = ["partition", *words, "--table", table, "--lake", weir.lake, "--reject-file", self.reject_file]
        self.done = run_bytes(weir, words, input)

    def blobs(self):
        """Of each partition its bytes."""
        out = {}
        for blob in self.weir.lake.glob(f"am-{self.table.lower().replace('_', '-')}/**/PT05M_*.json"):
            path = "/".join(blob.parts[-6:-1])
            assert path not in out, f"{path} has two blobs"
            out[path] = blob.read_bytes()
        return out

    def rejects(self):
        """(file, line, reason, text) in the file's order."""
        if not self.reject_file.exists():
            return []
        return [tuple(json.loads(line)[key] for key in ("file", "line", "reason", "text"))
                for line in self.reject_file.read_bytes().split(b"\n")[:-1]]


def run_bytes(weir, words, input=None):
    """Like Weir.run, with bytes on standard input."""
    done = subprocess.run([BIN / "weir", *map(str, words)], cwd=weir.folder, input=input, capture_output=True,
                          timeout=weir.patience, env=environment({"XDG_STATE_HOME": str(weir.folder / "state")}))
    done.said = done.stderr.decode("utf-8", errors="replace")
    return done


def difference(want, got):
    """Where two maps of partitions differ, told shortly."""
    for path in sorted(want.keys() | got.keys()):
        a, b = want.get(path), got.get(path)
        if a != b:
            if a is None or b is None:
                return f"{path} is {'missing' if b is None else 'one too many'}: {(a or b)[:200]}"
            one, other = a.split(b"\n"), b.split(b"\n")
            at = next((i for i, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
            return f"{path}, line {at + 1}: want {one[at:at + 1]}, got {other[at:at + 1]}"
    return "nothing"


def first_difference(want, got, spaced):
    return next(((a, b) for a, b in zip(want, got) if not told_alike([a], [b], spaced)), f"{len(want)} and {len(got)} rejects")


def told_alike(want, got, spaced=True):
    """Rejects that say the same. How many U+FFFD stand for bytes that are no character is a matter of taste; without `spaced`
    white space is too."""
    if len(want) != len(got):
        return False
    for a, b in zip(want, got):
        one, other = (re.sub("\ufffd+", "\ufffd", reject[3]) for reject in (a, b))
        if not spaced:
            one, other = re.sub(r"\s", "", one), re.sub(r"\s", "", other)
        least = min(len(one), len(other)) if "\ufffd" in one or not spaced else max(len(one), len(other))
        if a[:3] != b[:3] or one[:least] != other[:least]:
            return False
    return True


class Story:
    """A few hostile files, given to weir in one of its ways and to the reference."""

    NAMES = ["a.json", "b.jsonl", "B.jsonl", "c.json.gz", "c1.jsonl.zst", "10.json", "9.json", "é.json"]
    NAME = "logs.json"
    SPACED = True  # a reject's text has the white space that the input has

    def __init__(self, number, seed):
        self.number = number
        self.chance = chance = random.Random(f"{seed}/{number}")
        self.style = chance.choice(STYLES)
        self.column = chance.choice(["TimeGenerated"] * 4 + ["ts", "Zeit €", "a\"b\\c", "m"])
        if self.style != "iso" and self.column == "TimeGenerated":
            self.column = "when"
        self.zone, self.zone_words = self.pick_zone()
        self.way = chance.choice(["file"] * 4 + ["gz", "zst", "stdin", "stdin gz", "folder", "glob", "many"])

    def pick_zone(self):
        kind = self.chance.random()
        if kind < 0.6 and self.style != "us":
            return None, []
        text, zone = self.chance.choice([
            ("UTC", reference.utc), ("+02:00", reference.ahead(2)), ("-0530", reference.ahead(-5, -30)),
            ("America/Los_Angeles", PACIFIC), ("Pacific Standard Time", PACIFIC)])
        return zone, ["--time-zone", text]

    def make(self, count):
        chance = self.chance
        maker = Hostile(chance, self.column, self.style, naive=0.5 if self.zone else chance.choice([0, 0.1]), broken=chance.choice([0, 0.02, 0.3]))
        huge = chance.choice([0] * 12 + [5_000, 300_000, 3_000_000])
        return maker.json_lines(count, huge)

    def inputs(self, folder):
        """[(name, data)] in the order in which they are read, the words that name them, and standard input."""
        chance = self.chance
        count = chance.choice([1, 3, 30, 200, 400, 1500])
        if self.way in ("folder", "glob", "many"):
            names = chance.sample(self.NAMES, 4)
            made = {name: self.make(max(1, count // 4)) for name in names}
            for name, data in made.items():
                packed = packed_gzip(data, chance) if name.endswith("gz") else packed_zstd(data, chance) if name.endswith("zst") else data
                (folder / name).write_bytes(packed)
            if self.way == "many":
                return [(folder / name, made[name]) for name in names], [folder / name for name in names], None
            order = sorted(names, key=lambda name: name.encode())
            return ([(folder / name, made[name]) for name in order], [folder if self.way == "folder" else folder / "*"], None)
        data = self.make(count)
        kind = self.way.split()[-1]
        packed = {"gz": packed_gzip, "zst": packed_zstd}.get(kind, lambda data, _: data)(data, chance)
        if self.way.startswith("stdin"):
            return [("-", data)], ["-"], packed
        name = folder / {"file": self.NAME, "gz": f"{self.NAME}.gz", "zst": f"{self.NAME}.zst"}[kind]
        if chance.random() < 0.3 and kind != "file":
            name = folder / self.NAME  # that it is packed shows in its first bytes
        name.write_bytes(packed)
        return [(name, data)], [name], None

    def words(self):
        chance = self.chance
        out = ["--time-column", self.column, *self.zone_words]
        if self.style != "iso" or chance.random() < 0.2:
            out += ["--time-format", self.style]
        out += chance.choice([[], [], ["--threads", 1], ["--threads", 2], ["--threads", 5]])
        return out + chance.choice([[], ["--memory", "64MB"], ["--sync"]])

    def read(self, data, time):
        return reference.json_lines(data, time)

    def expected(self, inputs):
        time = reference.Time(self.column, self.style, self.zone)
        rows, rejects = [], []
        for name, data in inputs:
            more, wrong = self.read(data, time)
            rows += more
            rejects += [(str(name), *reject) for reject in wrong]
        return rows, rejects

    def compare(self, test, rows, got, said):
        want = reference.partitions(rows)
        test.assertTrue(got == want, f"{difference(want, got)}\n{said}")

    def tell(self, test):
        weir, folder = Weir(), Folder().path
        inputs, names, given = self.inputs(folder)
        done = Import(weir, *names, *self.words(), input=given)
        rows, rejects = self.expected(inputs)
        said = f"story {self.number} ({self.way}, {self.words()}): exit {done.done.returncode}: {done.done.said[-1500:]}"
        test.assertEqual(done.done.returncode, INCOMPLETE if rejects else 0, said)
        self.compare(test, rows, done.blobs(), said)
        told = done.rejects()
        test.assertTrue(told_alike(rejects, told, self.SPACED), f"{first_difference(rejects, told, self.SPACED)}\n{said}")
        shutil.rmtree(folder)
        shutil.rmtree(weir.folder)


class ArrayStory(Story):
    """One array: its objects are lines without white space between their tokens."""

    NAMES = ["a.json", "b.json", "B.json", "c.json.gz", "c1.json.zst", "10.json", "9.json", "é.json"]
    SPACED = False

    def make(self, count):
        return Hostile(self.chance, self.column, self.style, naive=0.05, broken=self.chance.choice([0, 0.02, 0.3])).array(count)

    def read(self, data, time):
        return reference.json_array(data, time)


class CsvStory(Story):
    """CSV: rows are converted, and compared by their values."""

    NAME = "logs.csv"

    def __init__(self, number, seed):
        super().__init__(number, seed)
        self.column = self.chance.choice(["TimeGenerated", "ts", "Zeit €", 'a"b'])
        self.way = self.chance.choice(["file", "gz", "zst"])

    def make(self, count):
        self.maker = HostileCsv(self.chance, self.column, self.style, self.chance.choice([0, 0.05, 0.3]))
        return self.maker.file(count)

    def read(self, data, time):
        return reference.csv(data, time, self.maker.separator.encode())

    def compare(self, test, rows, got, said):
        suffixes = {"_d": "real", "_b": "bool", "_t": "datetime", "_g": "guid"}
        types = {name: suffixes.get(name[-2:], "string") for name in self.maker.names}
        compare_values(test, rows, got, types, self.zone, said)


def compare_values(test, rows, got, types, zone, said):
    """Rows of cells, and the lines that came of them: in order, each cell under its name, as its column's type has it or as
    it was. `types`: names to types."""
    want = {}
    for row in rows:
        want.setdefault(reference.path_of(row.tick), []).append(row)
    test.assertEqual(want.keys(), got.keys(), said)
    for path, lines in got.items():
        found = [parse(line) for line in lines.split(b"\n")[:-1]]
        test.assertEqual(len(found), len(want[path]), said)
        for row, line in zip(want[path], found):
            why = f"{row} became {line}\n{said}"
            test.assertEqual(ticks(line.pop("TimeGenerated")), row.tick, why)
            cells = {plain(name): cell for name, cell in row.line.items() if plain(name) != "TimeGenerated"}
            test.assertEqual(list(line), list(cells), why)
            for name, cell in cells.items():
                test.assertTrue(says(types.get(name, "string"), cell, line[name], zone), f"{name}: {why}")


def plain(name):
    """`StartTime [UTC]` is StartTime."""
    return re.sub(r" \[.*\]$", "", name)


def says(kind, cell, value, zone):
    """A value of the column's type that says what the cell does, or the cell as it was."""
    if not isinstance(value, Number) and value == cell:
        return True
    if kind in ("int", "long", "real", "decimal"):
        return isinstance(value, Number) and value == Number(cell)
    if kind == "bool":
        return value is {"true": True, "false": False}.get(cell.lower())
    if kind == "datetime" and ticks(cell) is not None:
        named = re.search("Z$|[+-][0-9]{2}:?[0-9]{2}$", cell)
        return ticks(value) == (ticks(cell) if named or not zone else zone(ticks(cell)))
    if kind == "dynamic":
        return value == parse(cell)
    return kind == "guid" and value == cell.lower()


class Reference(unittest.TestCase):
    """The judge is judged: against Python's own json, where that is strict."""

    def test_it_takes_and_refuses_what_pythons_json_does_but_for_what_that_is_lax_about(self):
        def never(_):
            raise ValueError("no number")
        chance, taken, refused = random.Random(5), 0, 0
        maker = Hostile(chance)
        for _ in range(4000):
            line = chance.choice([maker.line, maker.broken_line])().strip(b" \t\r")
            try:
                reference.Json(line)
                ours = True
            except (ValueError, UnicodeDecodeError):
                ours = False
            try:
                json.loads(line.decode(), parse_constant=never)
                theirs = b"[" * 100 not in line and b'{"a":' * 100 not in line
            except (ValueError, UnicodeDecodeError):
                theirs = False
            if not (b"[" * 100 in line or b'{"a":' * 100 in line):
                self.assertEqual(ours, theirs, line)
            taken, refused = taken + ours, refused + (not ours)
        self.assertGreater(min(taken, refused), 500)

    def test_a_text_without_white_space_says_the_same(self):
        chance = random.Random(6)
        maker = Hostile(chance, broken=0)
        for _ in range(300):
            line = maker.line()
            short = reference.compact(line)
            self.assertEqual(json.loads(short), json.loads(line))
            self.assertLessEqual(len(short), len(line))


class Agreement(unittest.TestCase):
    def test_hostile_json_lines(self):
        seed = seed_of("partition")
        for number in range(count_of("WEIR_FILES", FILES)):
            Story(number, seed).tell(self)

    def test_hostile_arrays(self):
        seed = seed_of("arrays")
        for number in range(count_of("WEIR_FILES", FILES) // 3):
            ArrayStory(number, seed).tell(self)

    def test_hostile_csv(self):
        seed = seed_of("CSV")
        for number in range(count_of("WEIR_FILES", FILES) // 3):
            CsvStory(number, seed).tell(self)


class Limits(unittest.TestCase):
    GOOD = b'{"TimeGenerated":"2021-11-07T03:05:00Z"}\n'

    def setUp(self):
        self.weir, self.path = Weir(), Folder().path / "logs.json"

    def give(self, data, *words):
        self.path.write_bytes(data)
        return Import(self.weir, self.path, *words)

    def test_a_line_as_long_as_may_be_and_one_that_is_longer(self):
        longest = b'{"TimeGenerated":"2021-11-07T03:05:00Z","a":"' + b"x" * (reference.LINE_MAX - 47) + b'"}'
        self.assertEqual(len(longest), reference.LINE_MAX)
        data = self.GOOD + longest + b"\n" + longest[:-2] + b'x"}\n' + self.GOOD
        rows, rejects = reference.json_lines(data, reference.Time())
        self.assertEqual([reject.reason for reject in rejects], [reference.LONG])
        done = self.give(data)
        self.assertEqual(done.done.returncode, INCOMPLETE, done.done.said)
        self.assertTrue(done.blobs() == reference.partitions(rows))
        self.assertEqual(done.rejects(), [(str(self.path), *reject) for reject in rejects])

    def test_an_array_that_is_not_one_is_refused_and_nothing_shows(self):
        array = b"[" + self.GOOD.strip() + b"," + self.GOOD.strip()
        for data in (array, array + b",", array + b"]]", array + b"] x", array + b"][]", array + b',{"a":"]'):
            with self.subTest(data):
                with self.assertRaises(reference.NoArray):
                    reference.json_array(data, reference.Time())
                done = self.give(data)
                self.assertIn(done.done.returncode, (1, 2), done.done.said)
                self.assertEqual(done.blobs(), {})

    def test_packed_bytes_that_break_off_are_refused_and_nothing_shows(self):
        chance = random.Random(1)
        for packed in (packed_gzip(self.GOOD * 5000, chance), packed_zstd(self.GOOD * 5000, chance)):
            for data in (packed[:-1], packed[:len(packed) // 2], packed[:-20] + b"x" * 20):
                done = self.give(data)
                self.assertEqual(done.done.returncode, 1, done.done.said)
                self.assertEqual(done.blobs(), {})

    def test_the_same_content_again_does_nothing(self):
        """Under any name, packed as it was; other content is another import."""
        done = self.give(self.GOOD * 3)
        self.assertEqual(done.done.returncode, 0, done.done.said)
        other = self.path.with_name("other.jsonl")
        other.write_bytes(self.GOOD * 3)
        Import(self.weir, other, self.path)
        self.assertEqual(query_count(self.weir), 3)
        other.write_bytes(self.GOOD * 4)
        Import(self.weir, other, self.path)
        self.assertEqual(query_count(self.weir), 7)

    def test_more_rejects_than_are_allowed_are_told_by_the_exit_status(self):
        data = self.GOOD + b"no\nno\n"
        for allowed, status in ((None, INCOMPLETE), (1, INCOMPLETE), (2, 0)):
            self.setUp()
            done = self.give(data, *([] if allowed is None else ["--allow-rejects", allowed]))
            self.assertEqual(done.done.returncode, status, done.done.said)
            self.assertEqual(len(done.rejects()), 2)
            self.assertEqual(query_count(self.weir), 1)


class Dedup(unittest.TestCase):
    """Of rows that are equal the lake's stays, then the first of the input; whatever partition they are in."""

    def import_rows(self, weir, rows, *words):
        path = Folder().path / "logs.jsonl"
        path.write_text("".join(rows), encoding="utf-8")
        return Import(weir, path, *words)

    def lines(self, weir):
        return Counter(line for blob in weir.lake.glob("am-*/**/PT05M_*.json") for line in blob.read_text().splitlines())

    def row(self, chance, number, ident):
        second = chance.randrange(3 * 86400)
        day, second = divmod(second, 86400)
        time = f"2021-11-{6 + day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
        pairs = [f'"TimeGenerated":"{time}"', f'"n":{number}'] + ([f'"Id":"{ident}"'] if ident is not None else [])
        chance.shuffle(pairs)
        return "{" + ",".join(pairs) + "}\n"

    def test_by_a_column(self):
        chance = random.Random(seed_of("dedup"))
        weir, want, held = Weir(), Counter(), set()
        for step in range(3):
            # The lake is asked for the partitions from an import's first to its last: here always the same.
            rows = [f'{{"TimeGenerated":"{time}","n":{step}}}\n' for time in ("2021-11-06T00:00:00Z", "2021-11-08T23:59:59Z")]
            kept, dropped = Counter(row.rstrip("\n") for row in rows), 0
            for number in range(3000):
                ident = chance.choice([None, ""] + [f"{chance.randrange(4000)}"] * 20)
                row = self.row(chance, 10_000 * step + number, ident)
                rows.append(row)
                if ident and ident in held:
                    dropped += 1
                else:
                    kept[row.rstrip("\n")] += 1
                if ident:
                    held.add(ident)
            words = ["--dedup", "Id", *chance.choice([[], ["--threads", 1], ["--threads", 3]])]
            done = self.import_rows(weir, rows, *words)
            self.assertEqual(done.done.returncode, 0, done.done.said)
            want += kept
            self.assertEqual(self.lines(weir), want)
            self.assertIn(f"{dropped:,}", done.done.said)
        weir.ok("verify", "Hostile_CL", "--offline", "--lake", weir.lake)

    def test_by_the_whole_row_as_its_values_are(self):
        """Times by tick, numbers by value, keys in any order, nothing and null and an empty string alike."""
        first = '{"TimeGenerated":"2021-11-07T03:05:00.5Z","a":1,"b":{"x":[1,2],"y":"z"},"c":null}\n'
        same = ['{"a":1.0,"TimeGenerated":"2021-11-07T04:05:00.5000000+01:00","b":{"x":[1,2],"y":"z"}}\n',
                '{"b": {"y":"z", "x": [1, 2]} ,"TimeGenerated":"2021-11-07T03:05:00.50Z","a":1e0,"d":""}\n']
        other = ['{"TimeGenerated":"2021-11-07T03:05:00.5000001Z","a":1,"b":{"x":[1,2],"y":"z"}}\n',
                 '{"TimeGenerated":"2021-11-07T03:05:00.5Z","a":2,"b":{"x":[1,2],"y":"z"}}\n',
                 '{"TimeGenerated":"2021-11-07T03:05:00.5Z","a":1,"b":{"x":[2,1],"y":"z"}}\n',
                 '{"TimeGenerated":"2021-11-07T03:05:00.5Z","a":1,"b":{"x":[1,2],"y":"z"},"e":0}\n']
        weir = Weir()
        done = self.import_rows(weir, [first, *same, *other], "--dedup", "*")
        self.assertEqual(done.done.returncode, 0, done.done.said)
        want = Counter(line.rstrip("\n") for line in [first, *other])
        self.assertEqual(self.lines(weir), want)
        self.import_rows(weir, [*other, *same, first, '{"TimeGenerated":"2021-11-07T03:05:00.5Z"}\n'], "--dedup", "*")
        self.assertEqual(self.lines(weir), want + Counter(['{"TimeGenerated":"2021-11-07T03:05:00.5Z"}']))


class Times(unittest.TestCase):
    """A time under another key is the same for who lays its row down, for who queries it, and for who compacts its day: the
    first is told by cells of CSV, which become a TimeGenerated to the tick."""

    def agree(self, style, *zone):
        for column in ("when", "TimeGenerated"):
            self.agree_on(column, style, *zone)

    def agree_on(self, column, style, *zone):
        chance = random.Random(seed_of(f"times {column} {style} {' '.join(zone)}"))
        hostile = Hostile(chance, column=column, style=style, naive=0.4, broken=0.5)
        values = [hostile.right(), *(hostile.time_value() for _ in range(700))]
        if style.startswith("epoch"):
            values = [value for value in values if value != '"2021"']  # under TimeGenerated a year, to KQL
        cells = [json.loads(value, parse_int=str, parse_float=str) if value[0] in '"-0123456789' else value for value in values]
        folder = Folder().path
        (folder / "a.jsonl").write_text("".join(f'{{"id":{i},"{column}":{value}}}\n' for i, value in enumerate(values)), encoding="utf-8")
        (folder / "a.csv").write_text(f"id,{column}\n" + "".join('%d,"%s"\n' % (i, "" if cell == "null" else cell.replace('"', '""'))
                                                           for i, cell in enumerate(cells)), encoding="utf-8")
        weir = Weir()
        words = ["--time-column", column, "--time-format", style, *(["--time-zone", *zone] if zone else [])]
        laid = {}
        for blob in Import(weir, folder / "a.csv", *words, table="Cells_CL").blobs().values():
            for row in map(json.loads, blob.splitlines()):
                laid[int(row["id"])] = ticks(row["TimeGenerated"])
        lines = Import(weir, folder / "a.jsonl", *words, table="Lines_CL").blobs()
        where = {json.loads(row)["id"]: path for path, blob in lines.items() for row in blob.splitlines()}
        self.assertGreater(len(laid), 100)
        self.assertEqual(set(where), set(laid))
        self.assertEqual(where, {i: reference.path_of(tick) for i, tick in laid.items()})
        self.same(self.told(weir), laid, values)
        days = [json.loads(line) for line in weir.ok("compact", "Lines_CL").stdout.splitlines()]
        self.assertEqual({day["verdict"] for day in days} - {"not closed yet"}, {"compacted"}, days)
        self.same(self.told(weir), laid, values)

    def same(self, told, laid, values):
        self.assertEqual({i: (values[i], told.get(i), laid[i]) for i in laid if told.get(i) != laid[i]}, {})
        self.assertEqual(len(told), len(laid))

    def told(self, weir):
        rows = [json.loads(line) for line in weir.ok("query", "Lines_CL | project id, TimeGenerated").stdout.splitlines()]
        return {row["id"]: row["TimeGenerated"] and ticks(row["TimeGenerated"]) for row in rows}

    def test_iso(self):
        self.agree("iso")
        self.agree("iso", "UTC")
        self.agree("iso", "America/Los_Angeles")

    def test_us(self):
        self.agree("us", "UTC")
        self.agree("us", "America/Los_Angeles")

    def test_epoch(self):
        self.agree("epoch-s")
        self.agree("epoch-ms")


class Parquet(unittest.TestCase):
    def test_times_that_lose_digits_are_said_aloud(self):
        at = pyarrow.array([1636254300123456789], pyarrow.timestamp("ns", "UTC"))
        for name, table, more, says in (
                ("a'b.parquet", {"TimeGenerated": at, "t": at.cast(pyarrow.timestamp("us", "UTC"), safe=False)}, {}, True),
                ("old.parquet", {"TimeGenerated": at}, {"use_deprecated_int96_timestamps": True}, True),
                ("wall.parquet", {"TimeGenerated": at.cast(pyarrow.timestamp("ns"))}, {}, False)):
            path = Folder().path / name
            pyarrow.parquet.write_table(pyarrow.table(table), path, **more)
            done = Import(Weir(), path)
            self.assertEqual(done.done.returncode, 0, done.done.said)
            said = f"{name}: times of 'TimeGenerated' are in nanoseconds: what is finer than a microsecond is cut"
            self.assertEqual(said in done.done.said, says, done.done.said)

    def test_a_file_of_others(self):
        """Written by pyarrow: each type as docs/partition.md has it, rows in the file's order, times to the microsecond."""
        chance, begin = random.Random(seed_of("parquet")), datetime(2021, 11, 7, tzinfo=timezone.utc)
        rows = [{"at": begin + timedelta(microseconds=chance.randrange(86_400_000_000)), "text": chance.choice([None, "", "é\n", "x" * 500]),
                 "whole": chance.choice([None, -1, 2**63 - 1]), "real": chance.choice([None, 0.1, -1e300]), "flag": chance.choice([None, True, False]),
                 "list": chance.choice([None, [1, 2], []]), "price": chance.choice([None, Decimal("12.50")])} for _ in range(5000)]
        types = {"at": pyarrow.timestamp("us", "UTC"), "text": pyarrow.string(), "whole": pyarrow.int64(), "real": pyarrow.float64(),
                 "flag": pyarrow.bool_(), "list": pyarrow.list_(pyarrow.int32()), "price": pyarrow.decimal128(9, 2)}
        path = Folder().path / "logs.parquet"
        table = pyarrow.Table.from_pylist(rows, pyarrow.schema(list(types.items())))
        pyarrow.parquet.write_table(table, path, row_group_size=700)
        weir = Weir()
        done = Import(weir, path, "--time-column", "at")
        self.assertEqual(done.done.returncode, 0, done.done.said)
        want = {}
        for row in rows:
            tick = ticks(row["at"].isoformat())
            want.setdefault(reference.path_of(tick), []).append((tick, row))
        got = done.blobs()
        self.assertEqual(want.keys(), got.keys())
        for path, lines in got.items():
            for (tick, row), text in zip(want[path], lines.split(b"\n")[:-1], strict=True):
                line = parse(text)
                self.assertEqual((ticks(line.pop("TimeGenerated")), ticks(line.pop("at"))), (tick, tick))
                self.assertEqual(line, self.expected(row))

    @staticmethod
    def expected(row):
        out = {"text": row["text"], "whole": number(row["whole"]), "real": number(row["real"]), "flag": row["flag"],
               "list": row["list"] and [number(item) for item in row["list"]], "price": row["price"] and str(row["price"])}
        return {name: value for name, value in out.items() if value not in (None, "") or name == "list" and row["list"] == []}


def number(value):
    return None if value is None else Number(repr(value))


def query_count(weir, table="Hostile_CL"):
    done = weir.ok("query", f"{table} | count", "--lake", weir.lake, "--output", "json", "-q")
    return json.loads(done.stdout)[0]["Count"]


class Real(unittest.TestCase):
    """Files as users have them, without a word about their time: what weir finds out is said, and right."""

    def import_file(self, path, column, style, zone=None, read=None):
        table = path.name.split(".")[0].replace("-", "_")
        weir, time = Weir(), reference.Time(column, style, zone)
        rows, rejects = (read or (reference.csv if path.suffix == ".csv" else reference.json_array))(path.read_bytes(), time)
        done = Import(weir, path, table=table)
        said = done.done.said
        self.assertEqual(done.done.returncode, INCOMPLETE if rejects else 0, said)
        self.assertIn(column, said + "TimeGenerated")
        self.assertGreater(len(rows), 0)
        if path.suffix == ".csv":
            compare_values(self, rows, done.blobs(), weir.schema(table), zone, said)
        else:
            want, got = reference.partitions(rows), done.blobs()
            self.assertTrue(want == got, f"{difference(want, got)}\n{said}")
        told = done.rejects()
        rejects = [(str(path), *reject) for reject in rejects]
        self.assertTrue(told_alike(rejects, told, False), first_difference(rejects, told, False))
        count = json.loads(weir.ok("query", f"{table} | summarize n = count(), a = min(TimeGenerated), b = max(TimeGenerated)",
                                   "--lake", weir.lake, "--output", "json", "-q").stdout)[0]
        self.assertEqual(int(count["n"]), len(rows))
        self.assertEqual((ticks(count["a"]), ticks(count["b"])), (min(row.tick for row in rows), max(row.tick for row in rows)))
        return weir

    def test_arrays_of_the_service(self):
        for name in ("CarbonBlackEvents_CL.json", "Okta_CL.json", "CommonSecurityLog.thycotic.json"):
            with self.subTest(name):
                self.import_file(PORTAL / name, "TimeGenerated", "iso")

    def test_arrays_of_the_portal_with_a_zone_in_the_key(self):
        for name in ("Event.semperis.json", "SquidProxy_CL.json", "Syslog.juniper.json", "Syslog.meraki.json"):
            with self.subTest(name):
                self.import_file(PORTAL / name, "TimeGenerated [UTC]", "us", reference.utc)

    def test_csv_of_the_portal(self):
        self.import_file(PORTAL / "CommonSecurityLog.sonicwall.csv", "TimeGenerated [UTC]", "us", reference.utc)

    def test_csv_whose_header_names_another_zone(self):
        self.import_file(PORTAL / "CommonSecurityLog.infoblox.csv", "TimeGenerated [Pacific Time (US and Canada) Tijuana]", "us", PACIFIC)

    def test_zeek(self):
        self.import_file(ZEEK, "ts", "epoch-s", read=reference.json_lines)

    def test_a_file_without_a_time_is_refused_and_nothing_written(self):
        weir = Weir()
        done = Import(weir, PORTAL / "CommonSecurityLog.paloalto.json", table="CommonSecurityLog")
        self.assertEqual(done.done.returncode, 2, done.done.said)
        self.assertEqual(done.blobs(), {})
        self.assertFalse(list(weir.lake.glob("**/*.json*")))


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""weir partition and a plain Python reference of it agree: which lines are in which partition, in which order, byte for byte;
which are rejected, where and why. On files made to be misread (hostile_logs.py), and on real ones (tests/data).

WEIR_SEED takes a seed again, WEIR_FILES says how many hostile files there are, WEIR_SHARED_DATA names a folder with whole
files in place of the pieces in tests/data.
"""
import io
import json
import os
import random
import shutil
import unittest
from pathlib import Path

import reference_partition as reference
from campaign import count_of, seed_of
from harness import DATA, Folder, Weir
from hostile_logs import Hostile, packed_gzip, packed_zstd

FILES = 120
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
    import subprocess
    from harness import BIN, environment
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


class Story:
    """A few hostile files, given to weir in one of its ways and to the reference."""

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
        text, zone = self.chance.choice([("UTC", reference.utc), ("+02:00", reference.ahead(2)), ("-05:30", reference.ahead(-5, -30))])
        return zone, ["--time-zone", text]

    def make(self, count):
        chance = self.chance
        maker = Hostile(chance, self.column, self.style, naive=chance.choice([0, 0.1]), broken=chance.choice([0, 0.02, 0.3]))
        huge = chance.choice([0] * 12 + [5_000, 300_000, 3_000_000])
        return maker.json_lines(count, huge)

    def inputs(self, folder):
        """[(name, data)] in the order in which they are read, the words that name them, and standard input."""
        chance = self.chance
        count = chance.choice([1, 3, 30, 200, 400, 1500])
        if self.way in ("folder", "glob", "many"):
            names = chance.sample(["a.json", "b.jsonl", "B.jsonl", "c.json.gz", "c1.jsonl.zst", "10.json", "9.json", "é.json"], 4)
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
        name = folder / {"file": "logs.json", "gz": "logs.json.gz", "zst": "logs.zst"}[kind]
        if chance.random() < 0.3 and kind != "file":
            name = folder / "logs"  # what it is shows in its first bytes
        name.write_bytes(packed)
        return [(name, data)], [name], None

    def words(self):
        chance = self.chance
        out = ["--time-column", self.column, *self.zone_words]
        if self.style != "iso" or chance.random() < 0.2:
            out += ["--time-format", self.style]
        out += chance.choice([[], [], ["--threads", 1], ["--threads", 2], ["--threads", 5]])
        return out + chance.choice([[], ["--memory", "64MB"], ["--sync"]])

    def expected(self, inputs):
        time = reference.Time(self.column, self.style, self.zone)
        rows, rejects = [], []
        for name, data in inputs:
            more, wrong = reference.json_lines(data, time)
            rows += more
            rejects += [(str(name), *reject) for reject in wrong]
        return reference.partitions(rows), rejects

    def tell(self, test):
        weir, folder = Weir(), Folder().path
        inputs, names, given = self.inputs(folder)
        done = Import(weir, *names, *self.words(), input=given)
        blobs, rejects = self.expected(inputs)
        said = f"story {self.number} ({self.way}, {self.words()}): exit {done.done.returncode}: {done.done.said[-1500:]}"
        test.assertEqual(done.done.returncode, INCOMPLETE if rejects else 0, said)
        got = done.blobs()
        test.assertTrue(got == blobs, f"{difference(blobs, got)}\n{said}")
        test.assertEqual(done.rejects(), rejects, said)
        shutil.rmtree(folder)
        shutil.rmtree(weir.folder)


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


if __name__ == "__main__":
    unittest.main(verbosity=2)

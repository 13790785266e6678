"""weir partition killed at any instant, and every call of its failing: before the names are taken nothing shows, then only
whole partitions; the same command, given again, finishes: the lake is that of an undisturbed run, byte for byte.

WEIR_SEED takes a seed again, WEIR_PARTITION_KILLS says how many kills there are in all.
"""
import gzip
import hashlib
import json
import random
import shutil
import signal
import time
import unittest

from campaign import Tally, count_of, laid_under, run_all, seed_of
from harness import Folder, Weir, generate

TABLE = "CommonSecurityLog"
KILLS, OF_A_STORY, WORKERS, PATIENCE = 48, 4, 2, 120
ROWS = 6000
CLASSES = ("write", "rename", "open", "mkdir", "unlink")
REJECTED = b"this is no row\n"
WAYS = [[], ["--threads", 1], ["--threads", 3], ["--memory", "64MB"], ["--sync"]]


def shape(lake):
    """Everything in a lake: names and hashes. When an import began is no matter."""
    out = {}
    for path in sorted(lake.rglob("*")):
        if path.is_file() and "tmp" not in path.relative_to(lake).parts[:2]:
            data = path.read_bytes()
            if "imports" in path.parts:
                data = json.dumps(timeless(data)).encode()
            out[str(path.relative_to(lake))] = hashlib.sha256(data).hexdigest()
    return out


def timeless(record):
    """A record's lines without the moments, and without the hash over them."""
    lines = [json.loads(line) for line in record.splitlines()]
    lines[0].pop("started")
    lines[0].pop("replaced")  # when the one began in whose place it is
    lines[-1].pop("sha256")
    return lines


def same(got, want):
    other = sorted(name for name in got.keys() | want.keys() if got.get(name) != want.get(name))
    assert not other, f"the lake is another than an undisturbed one, in {len(other)} files: {other[:3]}"


def strays(lake):
    """What a program that has ended leaves in the folder of what is not yet a blob."""
    return [str(path) for path in lake.glob("weir/tmp/*/**")]


def blobs(shown):
    return {name: sha for name, sha in shown.items() if name.startswith("am-")}


class Inputs:
    """Three files: in order, in none, packed; each with a line that is no row."""

    def __init__(self, seed):
        self.folder = Folder().path
        made = generate(TABLE, rows=ROWS, days=3, seed=seed)
        lines = (made / f"{TABLE}.jsonl").read_bytes().splitlines(keepends=True)
        random.Random(seed).shuffle(lines)
        parts = [sorted(lines[:ROWS // 3], key=lambda line: json.loads(line)["TimeGenerated"]), lines[ROWS // 3:2 * ROWS // 3],
                 lines[2 * ROWS // 3:]]
        self.rows = lines
        self.paths = [self.folder / name for name in ("sorted.jsonl", "mixed.jsonl", "packed.jsonl.gz")]
        for path, part in zip(self.paths, parts):
            data = b"".join(part[:50]) + REJECTED + b"".join(part[50:])
            path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        # The same content, changed: what --replace puts in its place.
        self.changed = self.folder / "changed.jsonl"
        self.changed.write_bytes(b"".join(line for i, line in enumerate(lines) if i % 3))

    def words(self, weir):
        return ["partition", *self.paths, "--table", TABLE, "--lake", weir.lake, "--reject-file", weir.folder / "rejects.jsonl",
                "--allow-rejects", 3]


class Campaign:
    def __init__(self, seed):
        self.seed, self.tally = seed, Tally("partition kill")
        self.inputs = Inputs(seed % 10_000)
        weir = Weir()
        counts, begun = weir.folder / "counts", time.monotonic()
        weir.ok(*self.inputs.words(weir), env=laid_under(weir, counts=counts))
        self.seconds = time.monotonic() - begun
        self.calls = {name: int(n) for name, n in (line.split() for line in counts.read_text().splitlines())}
        self.truth = shape(weir.lake)
        assert not strays(weir.lake)
        self.rejects = (weir.folder / "rejects.jsonl").read_bytes()
        self.id = json.loads(next(weir.lake.glob("weir/*/*/imports/*.jsonl")).read_bytes().splitlines()[0])["import"]
        weir.ok("partition", self.inputs.changed, "--table", TABLE, "--lake", weir.lake, "--replace", self.id)
        self.replaced = shape(weir.lake)
        shutil.rmtree(weir.folder)

    # -- one kill --

    def moment(self, weir, chance):
        """Variables for the run that is to die, and how long after its start it is killed; None: it dies of itself."""
        if chance.random() < 0.4:
            return {}, self.seconds * chance.uniform(0, 1.1)
        name = chance.choice(CLASSES)
        n = 1 + int(self.calls[name] * chance.random() ** 1.5)
        self.tally.add(f"at {name}")
        return laid_under(weir, call=f"{name}:{n}:{chance.choice(['kill', 'killed'])}"), None

    def run_and_kill(self, weir, words, chance):
        env, after = self.moment(weir, chance)
        process = weir.start(*words, *chance.choice(WAYS), env=env)
        if after is not None:
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, -signal.SIGKILL), f"exit {process.returncode}: {said}"
        self.tally.add("kills" if process.returncode else "ended before the kill")
        return process.returncode != 0

    # -- stories --

    def whole_partitions_only(self, weir):
        shown = blobs(shape(weir.lake))
        for name, sha in shown.items():
            assert self.truth.get(name) == sha, f"{name} shows and is not whole"
        self.tally.add("lakes with nothing" if not shown else "lakes with some" if len(shown) < len(blobs(self.truth)) else
                       "lakes with all")

    def import_story(self, chance):
        weir = Weir()
        for _ in range(OF_A_STORY):
            if not self.run_and_kill(weir, self.inputs.words(weir), chance):
                break
            self.whole_partitions_only(weir)
        weir.ok(*self.inputs.words(weir), *chance.choice(WAYS))
        same(shape(weir.lake), self.truth)
        assert not strays(weir.lake), strays(weir.lake)
        assert (weir.folder / "rejects.jsonl").read_bytes() == self.rejects
        before = {path: path.stat().st_mtime_ns for path in weir.lake.rglob("PT05M_*")}
        weir.ok(*self.inputs.words(weir))  # nothing is left to do
        assert before == {path: path.stat().st_mtime_ns for path in weir.lake.rglob("PT05M_*")}, "written again"
        weir.ok("verify", TABLE, "--lake", weir.lake, "--offline")
        return weir

    def replace_story(self, chance):
        """At no instant is a row of either missing that both have; at the end there is the new import alone."""
        weir = Weir()
        weir.ok(*self.inputs.words(weir))
        words = ["partition", self.inputs.changed, "--table", TABLE, "--lake", weir.lake, "--replace", self.id]
        least = len(self.inputs.changed.read_bytes().splitlines())
        for _ in range(OF_A_STORY):
            if not self.run_and_kill(weir, words, chance):
                break
            found = json.loads(weir.ok("query", f"{TABLE} | count", "--lake", weir.lake, "--output", "json", "-q").stdout)
            assert least <= found[0]["Count"] <= least + len(self.inputs.rows), found
        weir.ok(*words)
        same(shape(weir.lake), self.replaced)
        assert not strays(weir.lake), strays(weir.lake)
        found = json.loads(weir.ok("query", f"{TABLE} | count", "--lake", weir.lake, "--output", "json", "-q").stdout)
        assert found[0]["Count"] == least, found
        return weir

    def story(self, number):
        chance = random.Random(f"{self.seed}/{number}")
        weir = self.replace_story(chance) if number % 4 == 3 else self.import_story(chance)
        shutil.rmtree(weir.folder)


class Kill(unittest.TestCase):
    def test_killed_at_any_instant_the_same_command_finishes(self):
        campaign = Campaign(seed_of("partition kill"))
        stories = range((count_of("WEIR_PARTITION_KILLS", KILLS) + OF_A_STORY - 1) // OF_A_STORY)
        run_all(campaign.tally, stories, campaign.story, WORKERS)
        self.assertEqual(campaign.tally.wrong, [])
        self.assertGreater(campaign.tally.figures["kills"], len(stories))


class Faults(unittest.TestCase):
    """Each call fails once: nothing half shows, and the same command finishes."""

    @classmethod
    def setUpClass(cls):
        cls.data = generate(TABLE, rows=60, days=1, seed=3) / f"{TABLE}.jsonl"

    def words(self, weir):
        return ["partition", self.data, "--table", TABLE, "--lake", weir.lake]

    def setUp(self):
        weir = Weir()
        counts = weir.folder / "counts"
        weir.ok(*self.words(weir), env=laid_under(weir, counts=counts))
        self.truth = shape(weir.lake)
        self.calls = {name: int(n) for name, n in (line.split() for line in counts.read_text().splitlines())}

    def fails(self, weir, call, says):
        done = weir.run(*self.words(weir), env=laid_under(weir, call=call))
        self.assertEqual(done.returncode, 1, f"{call}: {done.stderr}")
        self.assertIn(says, done.stderr, call)
        for name, sha in blobs(shape(weir.lake)).items():
            self.assertEqual(self.truth.get(name), sha, f"{call}: {name} shows and is not whole")

    def every(self, name, what, says):
        """The n-th call of a class fails, for n from 1 to the last: each with a lake of its own, finished by the same command."""
        step = max(1, self.calls[name] // 40)
        for n in range(1, self.calls[name] + 1, step):
            weir = Weir()
            self.fails(weir, f"{name}:{n}{what}", says)
            weir.ok(*self.words(weir))
            self.assertEqual(shape(weir.lake), self.truth, f"{name}:{n}{what}")
            self.assertEqual(strays(weir.lake), [], f"{name}:{n}{what}")
            shutil.rmtree(weir.folder)

    def test_a_write_that_fails(self):
        self.every("write", ":EIO", "Input/output error")

    def test_a_disk_that_stays_full(self):
        self.every("write", "+:ENOSPC", "No space left on device")

    def test_a_name_that_cannot_be_taken(self):
        self.every("rename", ":EIO", "Input/output error")

    def test_a_file_or_folder_that_cannot_be_made(self):
        self.every("open", ":EACCES", "Permission denied")
        self.every("mkdir", ":EACCES", "Permission denied")

    def test_a_lake_that_becomes_read_only(self):
        self.every("open", "+:EROFS", "Read-only file system")


if __name__ == "__main__":
    unittest.main(verbosity=2)

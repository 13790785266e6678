"""weir killed at any instant, again and again, and resumed: on the same lake, or on a copy of it.

A *story* is one lake: it is exported, killed, looked at, exported, killed ... and at last left in peace. The seed says
what happens in it, but for the moments that the clock decides. WEIR_KILLS says how many kills there are in all.
"""
import random
import shutil
import signal
import time
import unittest

from campaign import (Tally, count_of, laid_under, ledger_lines, never_a_lie, partition_name, run_all, seed_of, tables,
                      whole)
from harness import Emulator, Folder, Weir, digest

TABLE = "CommonSecurityLog"
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "2"]
KILLS = 90
OF_A_STORY = 6
WORKERS = 3
FAST = 12  # so many times as fast goes weir's own clock: a segment of the ledger every sixth of a second
PATIENCE = 150  # seconds: who takes longer hangs
CLASSES = ("write", "sync", "rename", "open", "mkdir", "unlink")


class Campaign:
    def __init__(self, seed):
        self.seed, self.tally = seed, Tally("kill")
        self.data = tables({TABLE: 5000})
        with Emulator(self.data) as calm:
            weir = Weir(calm)
            weir.ok("export", TABLE, *RANGE)
            self.truth = digest(weir, TABLE)
            whole(weir, TABLE, self.truth)
        self.emulator = Emulator(self.data, "--latency", "25ms", "--max-rows", 120, "--rate", 0, "--at-once", 0)
        self.measure()

    def measure(self):
        """How long an export takes, and how many calls of each class it makes."""
        weir = Weir(self.emulator)
        counts, begun = weir.folder / "counts", time.monotonic()
        weir.ok("export", TABLE, *RANGE, "--batch-rows", 90, env=laid_under(weir, speed=FAST, counts=counts))
        self.seconds = time.monotonic() - begun
        self.calls = {name: int(n) for name, n in (line.split() for line in counts.read_text().splitlines())}
        whole(weir, TABLE, self.truth)

    def moment(self, weir, chance):
        """Variables for the run that is to die, and what to wait for before the kill; None: it dies of itself."""
        kind = chance.choice(["time"] * 4 + ["call"] * 4 + ["start", "lock", "blob", "segment", "end"])
        speed = chance.choice([FAST, FAST, None])
        self.tally.add(f"at {kind}")
        if kind == "call":
            name = chance.choice(CLASSES)
            n = 1 + int(self.calls[name] * chance.random() ** 2)  # a resumed run makes fewer calls
            return laid_under(weir, call=f"{name}:{n}:{chance.choice(['kill', 'killed'])}", speed=speed), None
        env = laid_under(weir, speed=speed) if speed else {}
        if kind in ("time", "start", "end"):
            low, high = {"time": (0, 1), "start": (0, 0.03), "end": (0.8, 1.05)}[kind]
            return env, lambda process: time.sleep(self.seconds * chance.uniform(low, high))
        pattern = {"lock": "weir/*/*/lock", "blob": "am-*/**/PT05M_weir.json", "segment": "weir/*/*/ledger/*"}[kind]
        before, more = set(weir.lake.glob(pattern)), chance.uniform(0, 0.02)

        def wait(process):
            deadline = time.monotonic() + PATIENCE
            while process.poll() is None and set(weir.lake.glob(pattern)) <= before:
                assert time.monotonic() < deadline, f"it hangs: neither {pattern} nor an end in {PATIENCE} s"
                time.sleep(0.002)
            time.sleep(more)
        return env, wait

    def run_and_kill(self, weir, words, chance):
        """True when it was killed, False when it had ended before."""
        env, wait = self.moment(weir, chance)
        process = weir.start("export", TABLE, *words, env=env)
        if wait:
            wait(process)
            process.send_signal(signal.SIGKILL)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, -signal.SIGKILL), f"exit {process.returncode}: {said}"
        self.tally.add("kills" if process.returncode else "ended before the kill")
        return process.returncode != 0

    def words(self, chance, done):
        words = list(RANGE)
        if chance.random() < 0.15:
            words = ["--start", "2021-11-06T10:00:00Z", "--end", "2021-11-07T06:00:00Z"]
        words += chance.choice([[], ["--batch-rows", chance.randrange(30, 200)], ["--batch-rows", 90],
                                ["--memory", "8MB"], ["--max-queries", chance.randrange(1, 5)]])
        return words + (["--refresh"] if done or chance.random() < 0.1 else [])

    def story(self, number):
        chance = random.Random(f"{self.seed}/{number}")
        weir, killed, done = Weir(self.emulator), 0, False
        weir.patience = PATIENCE
        for _ in range(OF_A_STORY * 4):
            if killed == OF_A_STORY:
                break
            if self.run_and_kill(weir, self.words(chance, done), chance):
                killed += 1
            else:
                done = True
            never_a_lie(weir, TABLE, self.truth)
            if chance.random() < 0.33:
                self.go_on_with_a_copy(weir)
        weir.ok("export", TABLE, *RANGE)
        whole(weir, TABLE, self.truth)
        self.tally.add("lakes")
        shutil.rmtree(weir.lake)
        shutil.rmtree(weir.folder, ignore_errors=True)

    def go_on_with_a_copy(self, weir):
        copy = Folder().path / "lake"
        if not weir.lake.exists():
            return
        shutil.copytree(weir.lake, copy)
        shutil.rmtree(weir.lake)
        weir.lake = copy
        weir.run("init", "--from-emulator", self.emulator.ready, "--lake", copy, "--force")
        self.tally.add("copies")


class Growing(unittest.TestCase):
    def consistent(self, weir):
        """The table grows, so no blob is the last word; but each is what its line says."""
        blobs = {partition_name(name): sha for name, sha in digest(weir, TABLE).items()}
        for partition, line in ledger_lines(weir.lake, TABLE).items():
            if line["verdict"] == "verified":
                self.assertEqual(blobs.get(partition), line.get("sha256"), partition)

    def test_rows_that_come_late_between_kills_are_not_lost(self):
        """Half a day goes by, an hour a second; rows of it are seen minutes after their stamp, one in ten."""
        chance = random.Random(seed_of("growing"))
        data = tables({TABLE: 4000})
        begin = ["--start", "2021-11-06", "--end", "2021-11-08"]
        grows = Emulator(data, "--now", "2021-11-07T12:00:00Z", "--clock-speed", 3600, "--late", "0.1:40m", "--latency",
                         "20ms", "--rate", 0, "--at-once", 0)
        weir, until = Weir(grows), time.monotonic() + 12
        while time.monotonic() < until:
            process = weir.start("export", TABLE, *begin, "--batch-rows", 120, env=laid_under(weir, speed=FAST))
            time.sleep(chance.uniform(0.1, 2.5))
            process.kill()
            process.communicate()
            if list(weir.lake.glob("weir/*/*")):
                self.consistent(weir)
        grows.stop()
        with Emulator(data, "--now", "2021-11-09T00:00:00Z", "--late", "0.1:40m") as later:
            calm = Weir(later)
            calm.ok("export", TABLE, *begin)
            truth = digest(calm, TABLE)
            self.assertEqual(sum(1 for _ in calm.rows(TABLE)), 4000)
            weir.ok("init", "--from-emulator", later.ready, "--lake", weir.lake, "--force")
            weir.ok("export", TABLE, *begin)
            whole(weir, TABLE, truth)


class Kill(unittest.TestCase):
    def test_killed_at_any_instant_it_resumes(self):
        campaign = Campaign(seed_of("kill"))
        stories = range((count_of("WEIR_KILLS", KILLS) + OF_A_STORY - 1) // OF_A_STORY)
        run_all(campaign.tally, stories, campaign.story, WORKERS)
        campaign.emulator.stop()
        self.assertEqual(campaign.tally.wrong, [])
        self.assertGreaterEqual(campaign.tally.figures["kills"], len(stories) * OF_A_STORY)


if __name__ == "__main__":
    unittest.main(verbosity=2)

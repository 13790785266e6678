"""The campaigns of test_kill.py and test_faults.py with the lake in a storage account: Azurite, behind a proxy that
refuses, cuts, is slow, and loses answers after the write happened; weir killed at any request of its own.

Each lake is a container. It is judged as a folder is: copied to one, by azure-storage-blob. WEIR_CLOUD_KILLS and
WEIR_CLOUD_EXPORTS say how many.
"""
import os
import random
import shutil
import signal
import time
import unittest

from azurite import Azurite, CloudWeir
from campaign import Tally, count_of, laid_under, never_a_lie, run_all, seed_of, tables, whole
from harness import Emulator, Weir, digest
from proxy import Immutable, Misfortune, Pass, Proxy, Reset

TABLE = "CommonSecurityLog"
RANGE = ["--start", "2021-11-07", "--end", "2021-11-07T12:00:00Z"]
ROWS = 1500  # of the day
KILLS, OF_A_STORY = 50, 5
EXPORTS = 25
AGAIN_MOST = 20
WORKERS = 2
FAST = 10  # weir's own clock: its pauses, and the time between two segments of the ledger, are so many times as short
PATIENCE = 150
CALM = ["--rate", 0, "--at-once", 0]
TROUBLE = ["--fault", "429:0.02,503:0.02,cut:0.02,reset:0.02"]


class Seen(Weir):
    """A lake of Azurite as a folder, as it is now: what changed since the last look is read."""

    def __init__(self, weir, known):
        # pylint: disable=super-init-not-called
        self.weir, self.folder = weir, weir.folder / "seen"
        self.lake = self.folder
        self.folder.mkdir(exist_ok=True)
        there = {name: blob.etag for name, blob in weir.names("").items() if not name.endswith("/lock")}
        for name in known.keys() - there.keys():
            (self.lake / name).unlink()
        for name in [name for name, etag in there.items() if known.get(name) != etag]:
            path = self.lake / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(weir.bytes_of(name))
        known.clear()
        known.update(there)

    def ok(self, *words, **more):
        return self.weir.ok(*words, **more)


class Cloud:
    """One Azurite and one workspace for all stories; a container and a proxy for each."""

    def __init__(self, what, flags):
        self.tally, self.azurite = Tally(what), Azurite()
        data = tables({TABLE: ROWS}, days=1)
        self.calm, self.emulator = Emulator(data, *CALM), Emulator(data, *CALM, *flags)
        local = Weir(self.calm)
        local.ok("export", TABLE, *RANGE)
        self.truth = digest(local, TABLE)

    def stop(self):
        for part in (self.azurite, self.calm, self.emulator):
            part.stop()

    def lake(self, number):
        """A proxy, and a user whose lake is a container behind it."""
        proxy = Proxy(self.azurite)
        weir = CloudWeir(self.emulator, self.azurite, address=f"{proxy.url}/{self.tally.what}-{number}")
        weir.patience, weir.known = PATIENCE, {}
        return proxy, weir

    def end(self, proxy, weir, words=()):
        """Left in peace, the same command ends whole."""
        proxy.rule = None
        weir.ok("export", TABLE, *RANGE, *words)
        whole(Seen(weir, weir.known), TABLE, self.truth, source=None)
        self.tally.add("lakes")
        self.tally.add("requests", len(proxy.requests))
        self.azurite.service().delete_container(weir.root().split("/")[0])
        proxy.stop()
        shutil.rmtree(weir.folder)


class KillAt:
    """A rule: the process dies when its n-th request is here: before it is done, or after, or its answer never comes."""

    def __init__(self, n, how):
        self.left, self.how, self.process = n, how, None

    def __call__(self, request):
        self.left -= 1
        if self.left != 0 or not self.process:
            return None
        os.kill(self.process.pid, signal.SIGKILL)
        return {"before": Reset(), "after": Pass(lose=True)}[self.how]


class Kill(Cloud):
    def __init__(self, seed):
        super().__init__("kill", ["--latency", "10ms", "--max-rows", 150])
        self.seed = seed
        proxy, weir = self.lake("measure")
        begun = time.monotonic()
        weir.ok("export", TABLE, *RANGE, env=laid_under(speed=FAST))
        self.seconds, self.requests = time.monotonic() - begun, len(proxy.requests)
        self.end(proxy, weir)

    def run_and_kill(self, proxy, weir, chance, refresh):
        """False: it ended before. What has little left to do is asked to do all of it again."""
        rule = KillAt(1 + int(self.requests * 1.05 * chance.random() ** 2), chance.choice(["before", "after"]))
        by_clock = chance.random() < 0.25
        proxy.rule = None if by_clock else rule
        refresh = ["--refresh"] if chance.random() < 0.1 or refresh else []
        rule.process = process = weir.start("export", TABLE, *RANGE, *refresh, env=laid_under(speed=FAST))
        if by_clock:
            time.sleep(self.seconds * chance.random())
            process.kill()
        self.tally.add("by the clock" if by_clock else f"{rule.how} a request")
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, -signal.SIGKILL), f"exit {process.returncode}: {said}"
        self.tally.add("kills" if process.returncode else "ended before the kill")
        return process.returncode != 0

    def story(self, number):
        chance = random.Random(f"{self.seed}/{number}")
        proxy, weir = self.lake(number)
        killed, died = 0, True
        for _ in range(OF_A_STORY * 4):
            if killed == OF_A_STORY:
                break
            died = self.run_and_kill(proxy, weir, chance, refresh=not died)
            killed += died
            never_a_lie(Seen(weir, weir.known), TABLE, self.truth)
        self.end(proxy, weir)


class Faults(Cloud):
    def __init__(self, seed):
        super().__init__("faults", TROUBLE)
        self.seed = seed

    def story(self, number):
        chance = random.Random(f"{self.seed}/{number}")
        proxy, weir = self.lake(number)
        kinds = Misfortune.KINDS if number % 3 == 0 else (Misfortune.KINDS[number % len(Misfortune.KINDS)],)
        misfortune = Misfortune(chance.randrange(1 << 30), chance.choice([0.05, 0.1, 0.25]), kinds)
        immutable = Immutable(self.azurite) if chance.random() < 0.25 else None
        if immutable:
            self.azurite.service().create_container(weir.root().split("/")[0])
        proxy.rule = lambda request: (immutable and immutable(request)) or misfortune(request)
        self.export(weir, chance, refresh=not immutable)
        for kind, n in misfortune.met.items():
            self.tally.add(f"fault {kind}", n)
        if immutable:
            self.tally.add("immutable")
            assert not immutable.refused, f"it tried to change what is immutable: {immutable.refused[:3]}"
        self.end(proxy, weir)

    def export(self, weir, chance, refresh):
        for attempt in range(AGAIN_MOST):
            words = ["--refresh"] if attempt == 0 and refresh and chance.random() < 0.2 else []
            done = weir.run("export", TABLE, *RANGE, *words, env=laid_under(speed=FAST))
            self.tally.add(f"exit {done.returncode}")
            self.tally.add("exports" if attempt == 0 else "the same again")
            seen = Seen(weir, weir.known)
            never_a_lie(seen, TABLE, self.truth)
            if done.returncode == 0:
                assert digest(seen, TABLE) == self.truth, f"exit 0 of a lake that is not whole: {done.stderr[-600:]}"
                return
            assert done.returncode in (1, 3), f"exit {done.returncode}: {done.stderr[-600:]}"
        raise AssertionError(f"not whole after {AGAIN_MOST} times the same command: {done.stderr[-900:]}")


class Campaigns(unittest.TestCase):
    def tell(self, made, stories):
        self.addCleanup(made.stop)
        run_all(made.tally, range(stories), made.story, WORKERS)
        self.assertEqual(made.tally.wrong, [])

    def test_killed_at_any_request_it_resumes(self):
        made = Kill(seed_of("cloud kill"))
        stories = (count_of("WEIR_CLOUD_KILLS", KILLS) + OF_A_STORY - 1) // OF_A_STORY
        self.tell(made, stories)
        self.assertGreaterEqual(made.tally.figures["kills"], stories * OF_A_STORY * 4 // 5)

    def test_whatever_the_account_does_it_ends_whole_or_says_so(self):
        made, exports = Faults(seed_of("cloud faults")), count_of("WEIR_CLOUD_EXPORTS", EXPORTS)
        self.tell(made, exports)
        self.assertEqual(made.tally.figures["exports"], exports)


if __name__ == "__main__":
    unittest.main(verbosity=2)

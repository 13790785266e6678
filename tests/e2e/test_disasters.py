"""One disaster each: the disk, the clock, the scheduler, the service, another weir. What is promised holds in all of them:
an export ends verified, or says that it did not; what the ledger calls verified is the truth; the same command goes on."""
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from campaign import laid_under, never_a_lie, strays, tables, whole
from harness import Emulator, Folder, Weir, digest

TABLE, OTHER = "CommonSecurityLog", "Syslog"
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "2"]
EXPORT = ["export", TABLE, *RANGE]
SLOW = ["--latency", "40ms", "--max-rows", 150, "--rate", 0, "--at-once", 0]


def until(there, process=None, seconds=60):
    deadline = time.monotonic() + seconds
    while not there():
        if (process and process.poll() is not None) or time.monotonic() > deadline:
            raise AssertionError("it ended, or never came: " + (process.communicate()[1] if process else ""))
        time.sleep(0.005)


class Disasters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = tables({TABLE: 4000, OTHER: 3000})
        cls.emulator = Emulator(cls.data, *SLOW)
        weir = Weir(cls.emulator)
        weir.ok(*EXPORT)
        weir.ok("export", OTHER, *RANGE)
        cls.truth, cls.other = digest(weir, TABLE), digest(weir, OTHER)
        cls.counts = cls.count_calls()

    @classmethod
    def tearDownClass(cls):
        cls.emulator.stop()

    @classmethod
    def count_calls(cls):
        weir = Weir(cls.emulator)
        told = weir.folder / "counts"
        weir.ok(*EXPORT, env=laid_under(weir, counts=told))
        return {name: int(n) for name, n in (line.split() for line in told.read_text().splitlines())}

    def setUp(self):
        self.weir = Weir(self.emulator)

    def tearDown(self):
        shutil.rmtree(self.weir.folder, ignore_errors=True)

    def goes_on(self):
        never_a_lie(self.weir, TABLE, self.truth)
        self.weir.ok(*EXPORT)
        whole(self.weir, TABLE, self.truth)

    # -- the disk --

    def fails(self, call, *says):
        """The call fails; so does the export, in words that help, and the next one goes on."""
        done = self.weir.run(*EXPORT, env=laid_under(self.weir, call=call))
        self.assertEqual(done.returncode, 1, f"{call}: {done.stderr}")
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertNotIn("partitions verified", done.stderr)
        self.assertNotIn("syncfs", done.stderr)
        never_a_lie(self.weir, TABLE, self.truth)

    def test_a_disk_that_breaks(self):
        for call in ("write", "sync", "rename", "open", "mkdir", "lock"):
            for nth in sorted({1, 2, self.counts[call] // 2} - {0}):  # of the first run; those behind it have less to do
                with self.subTest(call=call, nth=nth):
                    shutil.rmtree(self.weir.lake, ignore_errors=True)
                    self.fails(f"{call}:{nth}:EIO", "Input/output error", "lake")
            self.goes_on()

    def test_a_disk_that_stays_full(self):
        for nth in (1, self.counts["write"] // 3, self.counts["write"] - 1):
            with self.subTest(nth=nth):
                self.fails(f"write:{nth}+:ENOSPC", "No space left on device", "free some room")
        self.goes_on()

    def test_a_lake_that_becomes_read_only(self):
        for nth in (1, self.counts["open"] // 2):
            with self.subTest(nth=nth):
                self.fails(f"any:{nth}+:EROFS", "Read-only file system", "read-only")
        self.goes_on()

    def test_a_disk_that_is_too_full_for_the_scratch_file(self):
        """Rows that memory has no room for go to a file; where that fails there is no export, and no lie."""
        for nth in (1, 40, 200):
            with self.subTest(nth=nth):
                done = self.weir.run(*EXPORT, "--memory", "1MB", env=laid_under(self.weir, call=f"any:{nth}+:ENOSPC"))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("No space left on device", done.stderr)
                never_a_lie(self.weir, TABLE, self.truth)
        self.goes_on()

    def test_a_lake_without_permission(self):
        self.fails("any:1+:EACCES", "Permission denied", "must be able to read and write")
        self.goes_on()

    def test_a_file_system_that_is_really_full(self):
        """A small one of its own, in a name space of its own; where that is not allowed, the library plays it."""
        folder = Folder().path
        held = subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c", f"mount -t tmpfs -o size=2m none {folder} && echo here && cat; true"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(held.communicate, "")
        if held.stdout.readline() != "here\n":
            self.skipTest("no name spaces here")
        self.weir.lake = Path(f"/proc/{held.pid}/root{folder}/lake")
        done = self.weir.run(*EXPORT, "--lake", self.weir.lake)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("No space left on device", done.stderr)
        self.assertIn("free some room", done.stderr)
        never_a_lie(self.weir, TABLE, self.truth)
        again = self.weir.run(*EXPORT, "--lake", self.weir.lake)
        self.assertEqual(again.returncode, 1, again.stderr)
        subprocess.run(["nsenter", "-U", "-m", "-t", str(held.pid), "--preserve-credentials", "mount", "-o",
                        "remount,size=200m", str(folder)], check=True)
        self.weir.ok(*EXPORT, "--lake", self.weir.lake)
        self.assertEqual(digest(self.weir, TABLE), self.truth)
        self.assertEqual(strays(self.weir.lake), [])
        self.weir.ok("verify", TABLE, "--lake", self.weir.lake)

    # -- clocks, signals --

    def test_the_clock_of_the_day_jumps(self):
        for by in (-3 * 86400, -400 * 86400, 86400):
            with self.subTest(by=by):
                done = self.weir.run(*EXPORT, "--refresh", env=laid_under(clock=f"0.4:{by}"))
                self.assertEqual(done.returncode, 0, done.stderr)
                whole(self.weir, TABLE, self.truth)

    def test_stopped_for_longer_than_every_time_out(self):
        process = self.weir.start(*EXPORT, "--batch-rows", "60", env=laid_under(speed=200))
        until(lambda: self.weir.blobs(TABLE), process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(3)  # 10 minutes by its own clock, longer than the 6 that it waits for an answer
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=120)
        self.assertIn(process.returncode, (0, 3), said)
        self.goes_on()

    # -- the service --

    def test_tokens_that_expire_all_the_time(self):
        with Emulator(self.data, "--token-life", "1s", *SLOW) as emulator:
            self.weir.ok("init", "--from-emulator", emulator.ready, "--lake", self.weir.lake, "--force")
            self.weir.ok(*EXPORT, "--batch-rows", "60")
            report = emulator.stop()
        self.assertGreater(report["requests"]["token"], 1)
        whole(self.weir, TABLE, self.truth, source=None)

    def again_on(self, emulator, outage):
        """The emulator dies without a word, and is there again at the same address."""
        emulator.process.kill()
        emulator.process.wait()
        time.sleep(outage)
        address = emulator.info["endpoint"].removeprefix("http://")
        return Emulator(self.data, "--listen", address, "--secret-file", emulator.info["client_secret_file"], *SLOW)

    def test_the_service_is_gone_for_a_while(self):
        for outage in (0, 1.5):
            with self.subTest(outage=outage):
                first = Emulator(self.data, *SLOW)
                shutil.rmtree(self.weir.lake, ignore_errors=True)
                self.weir.ok("init", "--from-emulator", first.ready, "--lake", self.weir.lake, "--force")
                process = self.weir.start(*EXPORT, "--batch-rows", "60", env=laid_under(speed=4))
                until(lambda: len(self.weir.blobs(TABLE)) > 20, process)
                second = self.again_on(first, outage)
                self.addCleanup(second.stop)
                _, said = process.communicate(timeout=120)
                self.assertIn(process.returncode, (0, 3), said)
                self.goes_on()
                second.stop()

    def test_the_service_falls_silent_for_longer_than_every_time_out(self):
        first = Emulator(self.data, *SLOW)
        self.addCleanup(first.stop)
        self.weir.ok("init", "--from-emulator", first.ready, "--lake", self.weir.lake, "--force")
        process = self.weir.start(*EXPORT, "--batch-rows", "60", env=laid_under(speed=200))
        until(lambda: len(self.weir.blobs(TABLE)) > 20, process)
        first.process.send_signal(signal.SIGSTOP)
        time.sleep(3)  # 10 minutes by weir's clock: every query under way has been given up and asked again
        first.process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=120)
        self.assertIn(process.returncode, (0, 3), said)
        self.goes_on()

    def test_the_service_is_gone_for_good(self):
        first = Emulator(self.data, *SLOW)
        self.weir.ok("init", "--from-emulator", first.ready, "--lake", self.weir.lake, "--force")
        process = self.weir.start(*EXPORT, "--batch-rows", "60", env=laid_under(speed=400))
        until(lambda: len(self.weir.blobs(TABLE)) > 20, process)
        first.process.kill()
        first.process.wait()
        _, said = process.communicate(timeout=120)
        self.assertIn(process.returncode, (1, 3), said)
        self.assertNotIn("partitions verified", said)
        self.weir.ok("init", "--from-emulator", self.emulator.ready, "--lake", self.weir.lake, "--force")
        self.goes_on()

    # -- others --

    def test_the_second_export_of_a_table_says_who_has_it(self):
        process = self.weir.start(*EXPORT, "--batch-rows", "40")
        until(lambda: self.weir.blobs(TABLE), process)
        second = self.weir.run(*EXPORT)
        self.assertEqual(second.returncode, 1, second.stderr)
        self.assertRegex(second.stderr, r"lock is held by weir export, run [0-9a-f-]{36} on \S+, process "
                         + str(process.pid) + r", since \d{4}-")
        self.assertIn("wait until it has ended", second.stderr)
        _, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, said)
        whole(self.weir, TABLE, self.truth)

    def test_the_lock_of_the_dead_is_free(self):
        process = self.weir.start(*EXPORT, "--batch-rows", "40")
        until(lambda: self.weir.blobs(TABLE), process)
        process.kill()
        process.communicate()
        self.assertTrue(list(self.weir.lake.glob("weir/*/*/lock")))
        self.goes_on()

    def test_two_tables_into_one_lake_at_once(self):
        both = [self.weir.start("export", table, *RANGE, "--batch-rows", "60") for table in (TABLE, OTHER)]
        for process in both:
            _, said = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, said)
        whole(self.weir, TABLE, self.truth)
        whole(self.weir, OTHER, self.other)

    def test_many_exports_race_for_one_table(self):
        for _ in range(2):
            racers = [self.weir.start(*EXPORT) for _ in range(4)]
            ended = [(process.communicate(timeout=120)[1], process.returncode) for process in racers]
            for said, status in ended:
                self.assertIn(status, (0, 1), said)
                self.assertTrue(status == 0 or "lock is held by" in said, said)
            self.assertIn(0, [status for _, status in ended])
        whole(self.weir, TABLE, self.truth)

    def test_readers_beside_an_export(self):
        """Who reads while it is written sees whole blobs and true lines, old or new, and never fails for it."""
        self.weir.ok(*EXPORT)
        process = self.weir.start(*EXPORT, "--batch-rows", "40", "--refresh")
        seen = []
        while process.poll() is None:
            (row,) = self.weir.json("query", f"{TABLE} | count", *RANGE)
            seen.append(row["Count"])
            for words in (["verify", TABLE, "--offline"], ["verify", TABLE]):
                done = self.weir.run(*words)
                self.assertIn(done.returncode, (0, 3), done.stderr)
                self.assertNotRegex(done.stderr, "torn|changed|corrupt")
        _, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(set(seen), {4000})
        whole(self.weir, TABLE, self.truth)


if __name__ == "__main__":
    unittest.main(verbosity=2)

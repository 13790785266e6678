"""--from search-job and --from restore: history that queries no longer see, brought by a job that is paid once."""
import json
import os
import signal
import time
import unittest

from harness import Emulator, Weir, generate

RANGE = ["--end", "2021-11-08", "--days", "3"]
ROWS = 600


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = generate("Syslog", rows=ROWS, days=3)
        cls.plain = Weir(cls.enterClassContext(Emulator(cls.data)))
        cls.plain.ok("export", "Syslog", *RANGE)

    def emulator(self, *flags):
        return self.enterContext(Emulator(self.data, "--retention", "Syslog=30d", *flags))

    def assert_same_rows(self, weir):
        """As an export within the retention would have brought them, whichever way they came."""
        mine, whole = list(weir.rows("Syslog")), list(self.plain.rows("Syslog"))
        self.assertEqual(len(mine), ROWS)
        key = lambda row: (row["TimeGenerated"], row.get("_ItemId", ""), json.dumps(row, sort_keys=True))
        self.assertEqual(sorted(mine, key=key), sorted(whole, key=key))

    def assert_gone(self, emulator, jobs=1):
        """The report tells of each job whether its table was deleted."""
        told = emulator.stop()["jobs"]
        self.assertEqual(len(told), jobs, told)
        self.assertTrue(all(job["deleted"] for job in told), told)
        return told

    def test_a_search_job_brings_what_has_aged_out(self):
        emulator = self.emulator()
        weir = Weir(emulator)
        done = weir.ok("export", "Syslog", *RANGE, "--from", "search-job", "--yes")
        self.assertIn("is billed", done.stderr)
        self.assertIn("864 partitions verified: 600 rows", done.stderr)
        self.assert_same_rows(weir)
        again = weir.ok("export", "Syslog", *RANGE, "--from", "search-job")
        self.assertIn("nothing is left to fetch", again.stderr)
        self.assert_gone(emulator)

    def test_a_restore_brings_the_same(self):
        emulator = self.emulator()
        weir = Weir(emulator)
        done = weir.ok("export", "Syslog", *RANGE, "--from", "restore", "--yes")
        self.assertIn("GB-days", done.stderr)
        self.assert_same_rows(weir)
        self.assert_gone(emulator)

    def test_nothing_is_begun_unless_somebody_says_yes(self):
        emulator = self.emulator()
        weir = Weir(emulator)
        done = weir.run("export", "Syslog", *RANGE, "--from", "search-job")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--yes", done.stderr)
        done = weir.run("export", "Syslog", *RANGE, "--from", "restore", "--yes", "--max-cost", "1")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--max-cost", done.stderr)
        self.assertEqual(emulator.stop()["jobs"], [])

    def test_a_row_limit_is_incomplete(self):
        emulator = self.emulator("--job-rows", 100)
        weir = Weir(emulator)
        done = weir.run("export", "Syslog", *RANGE, "--from", "search-job", "--yes")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("a part of the rows alone", done.stderr)
        self.assert_gone(emulator)

    def test_a_killed_run_is_gone_on_with_and_paid_once(self):
        emulator = self.emulator("--job-time", "4s")
        weir = Weir(emulator)
        process = weir.start("export", "Syslog", *RANGE, "--from", "search-job", "--yes")
        deadline = time.monotonic() + 60
        while "has begun" not in process.stderr.readline():
            self.assertLess(time.monotonic(), deadline)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        done = weir.ok("export", "Syslog", *RANGE, "--from", "search-job")
        self.assertIn("of an earlier run goes on", done.stderr)
        self.assert_same_rows(weir)
        self.assert_gone(emulator)

    def test_an_interrupted_run_says_what_it_leaves(self):
        emulator = self.emulator("--job-time", "60s")
        weir = Weir(emulator)
        process = weir.start("export", "Syslog", *RANGE, "--from", "restore", "--yes")
        deadline = time.monotonic() + 60
        while "has begun" not in process.stderr.readline():
            self.assertLess(time.monotonic(), deadline)
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
        self.assertEqual(process.returncode, 143, said)
        self.assertIn("stays in the workspace, and is billed", said)

    def test_what_does_not_go_together(self):
        weir = Weir(self.plain and self.emulator())
        for words in (["Syslog", "--from", "search-job", "--until-continuous"], ["A", "B", "--from", "restore"],
                      ["Syslog", "--from", "search-job", "--repair"]):
            done = weir.run("export", *words, *RANGE)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--from", done.stderr)


if __name__ == "__main__":
    unittest.main()

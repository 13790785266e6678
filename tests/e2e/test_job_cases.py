"""--from search-job and --from restore: what is asked, told and refused; rows at the cut between two jobs."""
import datetime
import json
import os
import signal
import time
import unittest
import uuid

from harness import Emulator, Folder, Weir, generate

RANGE = ["--end", "2021-11-08", "--days", "3"]
ROWS = 600


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = generate("Syslog", rows=ROWS, days=3)

    def emulator(self, *flags):
        return self.enterContext(Emulator(self.data, "--retention", "Syslog=30d", *flags))

    def assert_gone(self, emulator, jobs=1):
        """The report tells of each job whether its table was deleted."""
        told = emulator.stop()["jobs"]
        self.assertEqual(len(told), jobs, told)
        self.assertTrue(all(job["deleted"] for job in told), told)
        return told

    def test_nothing_is_begun_unless_somebody_says_yes(self):
        emulator = self.emulator()
        weir = Weir(emulator)
        done = weir.run("export", "Syslog", *RANGE, "--from", "search-job")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--yes", done.stderr)
        done = weir.run("export", "Syslog", *RANGE, "--from", "restore", "--yes", "--max-cost", "1")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--max-cost", done.stderr)
        done = weir.run("export", "Sysloog", *RANGE, "--from", "search-job", "--yes")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("did you mean 'Syslog'?", done.stderr)
        self.assertNotIn("USD", done.stderr)
        self.assertEqual(emulator.stop()["jobs"], [])

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
        self.assertEqual(len(list(weir.rows("Syslog"))), ROWS)
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

    def test_rows_at_the_cut_between_two_jobs_come_once(self):
        """A year and more takes two; each is asked for a little more than its range. Wherever the cut is, rows are near."""
        data = Folder().path
        template = json.loads((self.data / "Syslog.jsonl").read_text().splitlines()[0])
        days = [datetime.date(2020, 10, 1) + datetime.timedelta(days=n) for n in range(400)]
        times = [f"{day}T{clock}Z" for day in days for clock in ("00:00:00.3000000", "23:59:59.7000000")]
        (data / "Syslog.jsonl").write_text("".join(
            json.dumps({**template, "TimeGenerated": at, "_ItemId": str(uuid.uuid5(uuid.NAMESPACE_OID, at))}) + "\n"
            for at in times))
        emulator = self.enterContext(Emulator(data, "--retention", "Syslog=30d"))
        weir = Weir(emulator)
        done = weir.ok("export", "Syslog", "--start", "2020-10-01", "--end", "2021-11-05", "--from", "search-job", "--yes")
        self.assertIn(": 800 rows", done.stderr)
        self.assertEqual(len(list(weir.rows("Syslog"))), 800)
        self.assertGreater(len(self.assert_gone(emulator, jobs=2)), 1)

    def test_what_does_not_go_together(self):
        weir = Weir(self.emulator())
        for words in (["Syslog", "--from", "search-job", "--until-continuous"], ["A", "B", "--from", "restore"],
                      ["Syslog", "--from", "search-job", "--repair"]):
            done = weir.run("export", *words, *RANGE)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--from", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""Tables whose history is beyond interactive retention: search jobs and restores, started, waited for, exported, removed."""
import json
import os
import signal
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

from harness import Emulator, Weir, digest, generate

TABLE = "Syslog"
ROWS = 600
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "3"]
OLD = ["--now", "2021-12-31T00:00:00Z", "--clock-speed", 600, "--retention", f"{TABLE}=30d", "--rate", 0, "--at-once", 0]


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = generate(TABLE, rows=ROWS, days=3)
        with Emulator(cls.data, "--rate", 0, "--at-once", 0) as young:
            weir = Weir(young)
            weir.ok("export", TABLE, *RANGE)
            cls.truth = digest(weir, TABLE)

    def served(self, *flags):
        emulator = self.enterContext(Emulator(self.data, *OLD, *flags))
        return emulator, Weir(emulator)

    def tables(self, emulator):
        """Result tables that are there, by Resource Manager."""
        info = emulator.info
        form = {"grant_type": "client_credentials", "client_id": info["client_id"], "scope": "https://management.azure.com/.default",
                "client_secret": Path(info["client_secret_file"]).read_text().strip()}
        with urllib.request.urlopen(f"{info['authority']}/{info['tenant']}/oauth2/v2.0/token",
                                    urllib.parse.urlencode(form).encode()) as answer:
            token = json.load(answer)["access_token"]
        request = urllib.request.Request(f"{info['management']}{info['resource_id']}/tables?api-version=2022-10-01",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            return [t["name"] for t in json.load(answer)["value"] if t["name"].endswith(("_SRCH", "_RST"))]

    def test_a_plain_export_does_not_see_what_aged_out(self):
        _, weir = self.served()
        weir.run("export", TABLE, *RANGE)
        self.assertEqual(weir.blobs(TABLE), [])

    def test_what_a_plain_export_could_not_see_a_job_brings(self):
        emulator, weir = self.served("--job-time", "2m")
        plain = weir.run("export", TABLE, *RANGE)
        self.assertIn("--from search-job", plain.stderr)
        weir.ok("export", TABLE, *RANGE, "--from", "search-job", "--yes")
        self.assertEqual(digest(weir, TABLE), self.truth)
        again = weir.ok("export", TABLE, *RANGE, "--from", "search-job", "--yes")
        self.assertIn("nothing is left to fetch", again.stderr)
        self.assertEqual(len(emulator.stop()["jobs"]), 1, "it was paid for twice")

    def test_both_bring_the_very_bytes_and_leave_no_table(self):
        for kind in "search-job", "restore":
            with self.subTest(kind=kind):
                emulator, weir = self.served("--job-time", "2m")
                done = weir.ok("export", TABLE, *RANGE, "--from", kind, "--yes")
                self.assertEqual(digest(weir, TABLE), self.truth)
                self.assertEqual(self.tables(emulator), [])
                self.assertIn("USD", done.stderr, "what it bills is said")
                weir.ok("verify", TABLE, "--offline")
                self.assertEqual(len(emulator.stop()["jobs"]), 1)

    def test_without_yes_it_asks_and_starts_nothing(self):
        emulator, weir = self.served()
        done = weir.run("export", TABLE, *RANGE, "--from", "search-job", input="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--yes", done.stderr)
        self.assertEqual(self.tables(emulator), [])

    def test_a_kill_in_the_middle_leaves_no_table_behind_after_the_next_run(self):
        for kind in "search-job", "restore":
            with self.subTest(kind=kind):
                emulator, weir = self.served("--job-time", "40m")
                first = weir.start("export", TABLE, *RANGE, "--from", kind, "--yes")
                deadline = time.monotonic() + 60
                while not self.tables(emulator):
                    self.assertIsNone(first.poll())
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                os.kill(first.pid, signal.SIGKILL)
                first.communicate()
                self.assertTrue(self.tables(emulator), "the job goes on without weir")
                weir.ok("export", TABLE, *RANGE, "--from", kind, "--yes")
                self.assertEqual(self.tables(emulator), [])
                self.assertEqual(digest(weir, TABLE), self.truth)
                self.assertEqual(len(emulator.stop()["jobs"]), 1, "it was paid for twice")

    def test_a_partial_success_is_exit_3(self):
        emulator, weir = self.served("--job-rows", 100)
        done = weir.run("export", TABLE, *RANGE, "--from", "search-job", "--yes")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("partial", done.stderr.lower())
        self.assertEqual(self.tables(emulator), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""What a query loads: the engine beside reading, libcurl not at all over a local lake."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

BIN = Path(os.environ["WEIR_BIN"])


class Start(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "lake").mkdir()
        (self.folder / "bin").mkdir()

    def query(self, weir, kql, **environment):
        return subprocess.run([weir, "query", kql, "--lake", "lake", "-q"], cwd=self.folder, text=True, check=False,
                              capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment})

    def test_without_the_engine_a_mistake_in_the_kql_is_told_before_it_is_missed(self):
        weir = shutil.copy(BIN / "weir", self.folder / "bin/weir")
        wrong = self.query(weir, "print 1 +")
        self.assertEqual(wrong.returncode, 2, wrong.stderr)
        self.assertIn("KQL is refused", wrong.stderr)
        right = self.query(weir, "print 1")
        self.assertEqual(right.returncode, 1, right.stderr)
        self.assertIn("the engine duckdb is not installed", right.stderr)

    def test_a_local_lake_is_queried_without_libcurl(self):
        done = self.query(BIN / "weir", "print answer = 6 * 7", LD_DEBUG="files")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("42", done.stdout)
        self.assertIn("libduckdb.so", done.stderr)
        self.assertNotIn("libcurl", done.stderr)


if __name__ == "__main__":
    unittest.main()

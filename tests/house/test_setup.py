"""scripts/setup says in one line what is missing, and takes no package that is not the pinned one."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent
PLAIN_TOOLS = ("bash sh env dirname basename mkdir rm mv cp cat touch tail tr awk grep cmp flock mktemp uname"
               " sha512sum tar gzip").split()


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.bin = self.root / "bin"
        self.bin.mkdir()
        for tool in PLAIN_TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        (self.root / "scripts").mkdir()
        for name in ("setup", "pins", "packages"):
            shutil.copy(SOURCE / "scripts" / name, self.root / "scripts" / name)
        self.program("id", "echo 1000")

    def tearDown(self):
        self.folder.cleanup()

    def program(self, name, script):
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def packages(self, *lines):
        (self.root / "scripts" / "packages").write_text("\n".join(lines) + "\n")

    def run_setup(self):
        environment = {k: v for k, v in os.environ.items() if k != "DUCKDB_ROOT"} | {"PATH": str(self.bin)}
        return subprocess.run([self.root / "scripts" / "setup", "build"], env=environment, capture_output=True,
                              text=True, check=False)

    def test_without_apt_one_line_lists_what_is_missing(self):
        result = self.run_setup()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.strip().split("\n")), 1, result.stderr)
        for word in ("no apt-get", "gcc", "cmake", "libcurl4-openssl-dev", "npm"):
            self.assertIn(word, result.stderr)

    def test_without_root_the_line_is_the_command_that_root_would_type(self):
        self.program("apt-get", "exit 99")
        result = self.run_setup()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.strip().split("\n")), 1, result.stderr)
        self.assertIn("needs root: apt-get install gcc", result.stderr)

    def test_what_is_there_needs_neither_root_nor_apt(self):
        self.packages("build tar cmd:tar", "build no-such-package file:/")
        self.program("npm", "exit 1")
        self.assertIn("npm could not fetch duckdb@", self.run_setup().stderr)

    def test_a_package_that_is_not_the_pinned_one_is_refused(self):
        self.packages("build tar cmd:tar")
        self.program("npm", "echo another >duckdb.tgz; echo duckdb.tgz")
        result = self.run_setup()
        self.assertEqual(result.returncode, 1)
        self.assertIn("its SHA-512 differs", result.stderr)
        self.assertEqual([p.name for p in (self.root / "build").iterdir()], [".setup.lock"])


if __name__ == "__main__":
    unittest.main()

"""What `make install` lays down under a prefix is whole: it runs from there, with its engine, data and manuals."""

import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

BUILD = Path(os.environ["WEIR_BIN"]).parent

# An emulator that takes longer than this to come up does not come up.
START_MAX = 30


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.prefix = Path(cls.folder.name) / "prefix"
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(cls.prefix)], check=True,
                       capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_installed(self, name, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder.name}
        return subprocess.run([self.prefix / "bin" / name, *arguments], env=environment, capture_output=True,
                              text=True, check=True, cwd=self.folder.name)

    def test_every_part_is_where_it_is_looked_for(self):
        for path in ("bin/weir", "bin/weir-emulator", "lib/weir/libduckdb.so", "share/weir/schemas",
                     "share/man/man1/weir.1", "share/man/man1/weir-export.1", "share/man/man1/weir-emulator.1",
                     "share/bash-completion/completions/weir", "share/zsh/site-functions/_weir",
                     "share/fish/vendor_completions.d/weir.fish"):
            self.assertTrue((self.prefix / path).exists(), path)

    def test_no_part_looks_for_another_in_the_build_tree(self):
        for file in [*self.prefix.glob("bin/*"), *self.prefix.glob("lib/weir/libweir*")]:
            told = subprocess.run(["readelf", "-d", str(file)], capture_output=True, text=True, check=True).stdout
            paths = [line for line in told.split("\n") if "RUNPATH" in line or "RPATH" in line]
            self.assertTrue(all("[$ORIGIN]" in line for line in paths), f"{file}: {paths}")

    def test_bash_reads_the_completion(self):
        subprocess.run(["bash", "-n", self.prefix / "share/bash-completion/completions/weir"], check=True)

    def test_weir_runs(self):
        self.assertIn("export", self.run_installed("weir", "--help").stdout)

    def test_the_emulator_serves_with_the_installed_engine_and_schemas(self):
        self.run_installed("weir-emulator", "generate", "--table", "Syslog", "--days", "1", "--rows", "50", "--seed", "1",
                           "--out", "data")
        ready = Path(self.folder.name) / "ready.json"
        with subprocess.Popen([self.prefix / "bin" / "weir-emulator", "serve", "--data", "data", "--ready-file", ready],
                              cwd=self.folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as emulator:
            end = time.monotonic() + START_MAX
            while not ready.exists() and emulator.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            came_up = ready.exists()
            emulator.terminate()
            told = emulator.stderr.read().decode()
        self.assertTrue(came_up, told)


if __name__ == "__main__":
    unittest.main()

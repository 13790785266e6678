"""The DuckDB that lies beside the module has its own names bound, and is else the one that was fetched."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ["WEIR_BIN"]).parent
BIND = BUILD / "src/engine/duckdb/bind"
BOUND = BUILD / "lib/weir/libduckdb.so"

# Offset, info, type, and of a name that is defined in the file its value.
NAMED = re.compile(r"^[0-9a-f]{16}  [0-9a-f]{16} (R_X86_64_64|R_X86_64_GLOB_DAT) +(?!0{16})[0-9a-f]{16} (\S+)", re.M)


def told(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def fetched():
    cache = (BUILD / "CMakeCache.txt").read_text()
    return Path(re.search(r"^DUCKDB_ROOT:PATH=(.*)$", cache, re.M).group(1)) / "lib/libduckdb.so"


class Bind(unittest.TestCase):
    @unittest.skipUnless("build/deps" in str(fetched()), "one's own DuckDB may have nothing to bind")
    def test_no_plain_name_of_its_own_is_left_to_be_looked_up(self):
        special = set(re.findall(r"^[0-9a-f]+ [ui] (\S+)$", told("nm", "-D", BOUND), re.M))
        before = {name for _, name in NAMED.findall(told("readelf", "-rW", fetched()))}
        after = {name for _, name in NAMED.findall(told("readelf", "-rW", BOUND))}
        self.assertGreater(len(before), 1000)
        self.assertEqual(after - special, set())

    def test_the_names_that_it_gives_are_the_same(self):
        self.assertEqual(told("nm", "-D", BOUND), told("nm", "-D", fetched()))

    def test_binding_again_changes_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder) / "again.so"
            self.assertIn(" 0 of its own names bound", told(BIND, BOUND, again))
            self.assertEqual(again.read_bytes(), BOUND.read_bytes())

    def test_what_is_not_known_is_copied_as_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            odd, copy = Path(folder) / "odd.so", Path(folder) / "copy.so"
            for content in (b"", b"\x7fELF", BIND.read_bytes()[:4096], b"\x7fELF" + bytes(4096)):
                odd.write_bytes(content)
                self.assertIn("copied as it is", told(BIND, odd, copy))
                self.assertEqual(copy.read_bytes(), content)

    def test_a_missing_file_is_an_error(self):
        done = subprocess.run([BIND, "/nonexistent", "/nonexistent2"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""No room keeps mutable state of its own: nothing of it lies in writable memory of the program."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

BUILD = Path(os.environ["WEIR_BIN"]).parent

# A symbol in .data, .bss, .tdata, .tbss or common; .data.rel.ro is constant once the program is loaded.
WRITABLE = re.compile(r"^[0-9a-f]+ .{5}[^d]. (\.t?data(?!\.rel\.ro)\S*|\.t?bss\S*|\*COM\*)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$")

# (object file, symbol): why.
ALLOWED = {
    ("memory.c.o", "fail_countdown"): "the test switch that makes the n-th allocation of a thread fail",
    ("library.c.o", "library"): "libcurl's functions, as the linker's own table would have them: written once",
    ("library.c.o", "once"): "that once",
}


def writable_symbols(archive):
    listing = subprocess.run(["objdump", "-t", str(archive)], capture_output=True, text=True, check=True).stdout
    member = ""
    for line in listing.split("\n"):
        if ":     file format" in line:
            member = line.split(":")[0]
        match = WRITABLE.match(line)
        if match:
            yield member, match.group(2).split(".")[0]


class State(unittest.TestCase):
    def test_no_room_has_any(self):
        archives = sorted(BUILD.glob("src/**/*.a")) + sorted(BUILD.glob("emulator/**/*.a"))
        self.assertTrue(archives, f"no rooms built in {BUILD}")
        found = [f"{archive.name} {member} {symbol}" for archive in archives
                 for member, symbol in writable_symbols(archive) if (member, symbol) not in ALLOWED]
        self.assertEqual(found, [], "a variable that outlives its function; pass it, or say why in ALLOWED")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

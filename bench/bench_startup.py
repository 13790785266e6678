"""How long `weir --help` takes, beside a C program that does nothing: libcurl is not loaded before it is needed.

Alternating runs, so that both meet the same machine. The target: at most 10 ms more.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rig import tell

RUNS = 200
LIMIT_MS = 10


def empty_program(folder):
    source, program = folder / "empty.c", folder / "empty"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-O2", source, "-o", program], check=True)
    return program


def once(command):
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000


def main():
    weir = Path(os.environ["WEIR_BIN"]) / "weir"
    with tempfile.TemporaryDirectory() as folder:
        empty = empty_program(Path(folder))
        times = [(once([empty]), once([weir, "--help"])) for _ in range(RUNS)]
    base, ours = (statistics.median(column) for column in zip(*times))
    print(f"start-up, median of {RUNS}: an empty program {base:.2f} ms, weir --help {ours:.2f} ms")
    met = tell("start-up of weir --help above an empty program", f"at most {LIMIT_MS} ms", f"{ours - base:.2f} ms",
               ours - base <= LIMIT_MS)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

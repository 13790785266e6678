"""Peak memory of an export, for a small and a large history: it must not grow with the history.

    bench/bench_memory.py [ROWS...]       default: 500000 5000000

Generates the rows, serves them as fast as this machine can, exports them, and asks the kernel for the peak of the weir
process.
"""
import sys

from rig import RANGE, ROW_JSON, TABLE, Emulator, Folder, Weir, generate, tell

LIMIT = 256_000_000


def run(rows):
    with Folder() as folder:
        data, rows = generate(folder, rows * ROW_JSON / 1e9)
        with Emulator(data, folder) as emulator:
            return Weir(emulator, folder, folder / "lake").measure("export", TABLE, *RANGE, "-q")


def main():
    sizes = [int(word) for word in sys.argv[1:]] or [500_000, 5_000_000]
    met = True
    for rows in sizes:
        done = run(rows)
        print(f"{done.seconds:.1f} s; {done.last()}")
        met = tell(f"peak memory, export of {rows:,} rows", f"at most {LIMIT / 1e6:.0f} MB",
                   f"{done.peak / 1e6:.0f} MB", done.peak <= LIMIT) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

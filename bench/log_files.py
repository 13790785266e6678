"""Log files for the figures of partition and compact: a week or a year of firewalls as JSON lines of about 1 kB, in order
of time or in none. WEIR_BENCH_DATA names a folder in which they stay for the next run.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

from rig import BIN, END, TABLE

ROW = 1009  # bytes of a row, about
# What the emulator writes of a row is 1.4 kB; without these keys it is 1 kB.
DROPPED = ("TenantId|DestinationTranslatedAddress|SourceTranslatedAddress|DeviceCustomNumber1Label|DeviceCustomString1Label|"
           "ReceiptTime|SimplifiedDeviceAction|DeviceCustomNumber1|DeviceCustomString4|DeviceExternalID|EndTime")
DROP = re.compile(rf'"(?:{DROPPED})":(?:"[^"]*"|[^",]*),'.encode())


def log_file(folder, gigabytes, days, shuffled=False, seed=1):
    """The path of such a file."""
    rows = round(gigabytes * 1e9 / ROW)
    folder = Path(os.environ.get("WEIR_BENCH_DATA") or folder)
    path = folder / f"firewalls-{rows}-{days}d-{seed}{'-shuffled' if shuffled else ''}.jsonl"
    if path.exists():
        return path
    made, part = path.with_suffix(".made"), path.with_suffix(".part")
    subprocess.run([BIN / "weir-emulator", "generate", "--table", TABLE, "--days", str(days), "--rows", str(rows), "--seed",
                    str(seed), "--end", END, "--out", made, *(["--shuffle"] if shuffled else [])],
                   check=True, stderr=subprocess.DEVNULL)
    with open(made / f"{TABLE}.jsonl", "rb") as lines, open(part, "wb") as out:
        while chunk := lines.readlines(1 << 22):
            out.write(DROP.sub(b"", b"".join(chunk)))
    shutil.rmtree(made)
    part.rename(path)
    return path

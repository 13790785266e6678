"""Log files for the figures of partition and compact: a week or a year of firewalls as JSON lines of about 1 kB, in order
of time or in none. WEIR_BENCH_DATA names a folder in which they stay for the next run.
"""
import os
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from rig import BIN, END, TABLE

ROW = 1009  # bytes of a row, about
WEEK, YEAR = 7, 365  # days
# What the emulator writes of a row is 1.4 kB; without these keys it is 1 kB. The last ones are so rare that DuckDB, which
# looks at some rows to find the columns, would stumble over them.
DROPPED = ("TenantId|DestinationTranslatedAddress|SourceTranslatedAddress|DeviceCustomNumber1Label|DeviceCustomString1Label|"
           "ReceiptTime|SimplifiedDeviceAction|DeviceCustomNumber1|DeviceCustomString4|DeviceExternalID|EndTime|"
           r"(?:Malicious|Indicator|Threat|ReportReference)\w*")
DROP = re.compile(rf'"(?:{DROPPED})":(?:"[^"]*"|[^",]*),'.encode())
FIRST_KEY = b'{"TimeGenerated":"'
STRIDE = 1_000_003  # a prime: rows in no order


class Even:
    """Rows spread evenly over the days, so that every partition has some: nights are short of rows in the emulator's."""

    def __init__(self, rows, days, shuffled):
        self.rows, self.stride, self.at = rows, STRIDE if shuffled else 1, 0
        self.begin, self.span = datetime.fromisoformat(END) - timedelta(days), timedelta(days)

    def line(self, line):
        time = self.begin + self.span * (self.at / self.rows)
        self.at = (self.at + self.stride) % self.rows
        return b'%s%sZ%s' % (FIRST_KEY, time.isoformat(timespec="microseconds").encode(), line[line.index(b'"', len(FIRST_KEY)):])


def log_file(folder, gigabytes, days, shuffled=False, seed=1):
    """The path of such a file."""
    rows = round(gigabytes * 1e9 / ROW)
    folder = Path(os.environ.get("WEIR_BENCH_DATA") or folder)
    path = folder / f"firewalls-{rows}-{days}d-{seed}{'-shuffled' if shuffled else ''}.jsonl"
    if path.exists():
        return path
    made, part, even = path.with_suffix(".made"), path.with_suffix(".part"), Even(rows, days, shuffled)
    subprocess.run([BIN / "weir-emulator", "generate", "--table", TABLE, "--days", str(days), "--rows", str(rows), "--seed",
                    str(seed), "--end", END, "--out", made, *(["--shuffle"] if shuffled else [])],
                   check=True, stderr=subprocess.DEVNULL)
    with open(made / f"{TABLE}.jsonl", "rb") as lines, open(part, "wb") as out:
        while chunk := lines.readlines(1 << 22):
            short = DROP.sub(b"", b"".join(chunk))
            out.write(short if days == WEEK else b"".join(map(even.line, short.splitlines(keepends=True))))
    shutil.rmtree(made)
    part.rename(path)
    return path

"""What one would use instead of `weir export`: the way of Microsoft's notebook for exporting logs in bulk, written anew.

    notebook_export.py READY_FILE QUERY FROM TO FOLDER      times as 2021-11-01T00:00:00

Its way, as its published text (Azure-Sentinel-Notebooks, "Sentinel Bulk Logs Export") has it:
- The range is cut into as many equal parts as there are processes, two; each is a job.
- A job asks for rows and engine bytes of its part, and from them how many windows it needs: bytes / 38.4 MB or rows /
  450,000, whichever is more. Its windows are equally long, and it walks backwards through them.
- One of the three messages about size: the window is halved, down to a minute; below that it is skipped, with a line in
  the log. After more than five good windows it is doubled, as long as it is shorter than six hours.
- Any other error is tried again at once, five times in a job; then the job ends.
- The next window ends a microsecond before the last one began.
- A window is a frame and a CSV file of its own; at the end all files are read into one frame and written as one.

Two things are kinder here: the client may repeat what it is told to repeat for as long as it likes, and there are no
progress bars. Prints a line of JSON: jobs that ended early, windows skipped, errors.
"""
import json
import multiprocessing
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
from azure.identity import ClientSecretCredential
from azure.monitor.query import LogsQueryClient, LogsQueryStatus

JOBS, ERRORS_MAX, GOOD_BEFORE_DOUBLING = 2, 5, 5
WINDOW_BYTES, WINDOW_ROWS = 38_400_000, 450_000
WINDOW_MIN, WINDOW_DOUBLED = timedelta(minutes=1), timedelta(hours=6)
STEP = timedelta(microseconds=1)
SIZE_MESSAGES = ("Maximum response size of 100000000 bytes exceeded",
                 "The results of this query exceed the set limit of 64000000 bytes",
                 "The results of this query exceed the set limit of 500000 records")


class PartialAnswer(Exception):
    """An answer with an error in it."""


class Job:
    """One part of the range, walked backwards."""

    def __init__(self, ready_file, query, begin, end, folder):
        ready = json.loads(Path(ready_file).read_text())
        secret = Path(ready["client_secret_file"]).read_text()
        credential = ClientSecretCredential(ready["tenant"], ready["client_id"], secret, authority=ready["authority"],
                                            disable_instance_discovery=True, connection_verify=ready["ca_file"])
        self.client = LogsQueryClient(credential, endpoint=ready["endpoint"], connection_verify=ready["ca_file"])
        self.workspace, self.query = ready["workspace_id"], query
        self.begin, self.end, self.folder = begin, end, folder
        self.window = end - begin
        self.good, self.at_last_window = 0, False
        self.told = {"ended_early": False, "skipped": 0, "errors": 0, "rows": 0, "log": []}

    def ask(self, query, begin, end):
        answer = self.client.query_workspace(self.workspace, query, timespan=(begin, end))
        if answer.status != LogsQueryStatus.SUCCESS:
            raise PartialAnswer(answer.partial_error.details[0]["innererror"])
        table = answer.tables[0]
        return pd.DataFrame(data=table.rows, columns=table.columns)

    def choose_window(self):
        summary = self.ask(self.query + "| extend Size = estimate_data_size(*) | summarize Bytes = sum(Size), "
                           "Rows = count()", self.begin, self.end)
        rows, size = int(summary["Rows"].iloc[0]), float(summary["Bytes"].iloc[0] or 0)
        self.window = (self.end - self.begin) / max(size / WINDOW_BYTES, rows / WINDOW_ROWS, 1.0)

    def take_window(self):
        if self.window < WINDOW_DOUBLED and self.good > GOOD_BEFORE_DOUBLING:
            self.window *= 2
        start = self.end - self.window
        if start <= self.begin:
            start = self.begin
            self.window = self.end - start
            self.at_last_window = True
        self.start = start
        frame = self.ask(self.query, start, self.end)
        frame.to_csv(self.folder / f"part_{start:%Y-%m-%d %H-%M-%S}.csv", index=False)
        self.told["rows"] += len(frame)
        self.good += 1
        self.end = start - STEP

    def shrink(self, message):
        self.good, self.at_last_window = 0, False
        if self.window == WINDOW_MIN:
            self.told["skipped"] += 1
            self.told["log"].append(f"skipped {self.start} to {self.end}: {message}")
            self.end = self.start - STEP
        else:
            self.window = max(self.window / 2, WINDOW_MIN)

    def run(self):
        """An error in the last window, other than of size, finds the walk at its end already: the window is lost."""
        self.choose_window()
        while not self.at_last_window:
            try:
                self.take_window()
            except Exception as error:  # the notebook sorts them by their text alone
                message = str(error)
                if any(text in message for text in SIZE_MESSAGES):
                    self.shrink(message)
                    continue
                if "Response ended prematurely" in message:
                    continue
                self.told["errors"] += 1
                self.told["log"].append(f"{self.start} to {self.end}: {message}"[:300])
                if self.told["errors"] > ERRORS_MAX:
                    self.told["ended_early"] = True
                    break
        return self.told


def run_job(words):
    return Job(*words).run()


def main():
    ready_file, query, begin, end, folder = sys.argv[1:]
    begin, end = (datetime.fromisoformat(word).replace(tzinfo=timezone.utc) for word in (begin, end))
    folder, part = Path(folder), (end - begin) / JOBS
    folder.mkdir(parents=True)
    parts = [(ready_file, query, end - (i + 1) * part, end - i * part - (STEP if i else timedelta()), folder)
             for i in range(JOBS)]
    with multiprocessing.Pool(JOBS) as pool:
        told = pool.map(run_job, parts, chunksize=1)
    files = sorted(folder.glob("part_*.csv"))
    if files:
        pd.concat((pd.read_csv(file, low_memory=False) for file in files), ignore_index=True).to_csv(
            folder / "all.csv", index=False)
    print(json.dumps(told))


if __name__ == "__main__":
    main()

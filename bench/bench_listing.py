"""Listing a year of partitions in an account: requests, seconds and memory, of one day and of the whole year.

    bench/bench_listing.py

The account is played by null_service: 105,120 blobs, a page of 5,000 at a time.
"""
import json
import sys
import urllib.request

from bench_upload import BENCH, NullService, run
from rig import tell

DAY_REQUESTS, YEAR_REQUESTS, MEMORY = 2, 366, 256_000_000


def listing(null, first, days):
    told = run(BENCH / "store_client", "list", null.url, first, days)
    with urllib.request.urlopen(f"{null.origin}/counts") as counts:
        counted = json.load(counts)
    return told, sum(counted[kind] for kind in ("get", "head", "lists", "other"))


def main():
    with NullService() as null:
        day, of_day = listing(null, 200, 1)
        one_digit, of_one_digit = listing(null, 3, 1)
        year, of_year = listing(null, 0, 365)
    print(f"one day: {day['blobs']:,} blobs, {day['seconds'] * 1e3:.0f} ms; a year: {year['blobs']:,} blobs, "
          f"{year['seconds']:.2f} s, {year['cpu']:.2f} s of the processor")
    whole = day["blobs"] == one_digit["blobs"] == 288 and year["blobs"] == 105_120
    met = tell("listing one day of 365, requests", f"{DAY_REQUESTS}", f"{of_day}", whole and of_day <= DAY_REQUESTS)
    tell("the same of a day of one digit, which may not be padded", "told", f"{of_one_digit}", None)
    met &= tell("listing a year, requests", f"at most {YEAR_REQUESTS}", f"{of_year}", whole and of_year <= YEAR_REQUESTS)
    return 0 if met & tell("listing a year, peak memory", f"at most {MEMORY / 1e6:.0f} MB", f"{year['peak'] / 1e6:.0f} MB",
                           year["peak"] <= MEMORY) else 1


if __name__ == "__main__":
    sys.exit(main())

"""weir compact from outside: a query says the same before and after, in values, types and order of nothing, whatever the rows
hold; never a row twice and never one less, also with late rows, without the JSON, beside the service's blobs, and killed.

WEIR_SEED takes a seed again, WEIR_COMPACT_KILLS says how many kills there are.
"""
import json
import random
import shutil
import signal
import time
import unittest
from collections import Counter
from pathlib import Path

from campaign import count_of, laid_under, seed_of
from harness import DATA, Emulator, Folder, Weir, generate

TABLE, ODD = "CommonSecurityLog", "Odd_CL"
RANGE = ["--end-date", "2021-11-07", "--lookback-days", "2"]
KILLS, PATIENCE = 24, 120
ALWAYS = ["--closed-after", "0s"]
SUFFIXES = "sdbtg"
REAL = [("CarbonBlackEvents_CL.json", []), ("Okta_CL.json", []), ("SquidProxy_CL.json", []), ("Event.semperis.json", []),
        ("CommonSecurityLog.thycotic.json", []), ("CommonSecurityLog.sonicwall.csv", []), ("CommonSecurityLog.infoblox.csv", []),
        ("Syslog.juniper.json", []), ("Syslog.meraki.json", [])]


def query(weir, text, lake=None):
    """The lines of an answer, as often as each stands in it."""
    done = weir.ok("query", text, "--lake", lake or weir.lake, "--output", "jsonl", "-q")
    return Counter(done.stdout.split("\n")[:-1])


def seen(weir, table):
    """All that a query can see of a table: columns and their types, rows."""
    return query(weir, f"{table} | getschema"), query(weir, table)


def compact(weir, table, *words):
    return weir.ok("compact", table, "--lake", weir.lake, *ALWAYS, *words)


def parquet(weir):
    return sorted(weir.lake.glob("weir/*/*/parquet/**/*.parquet"))


def json_blobs(weir, pattern="PT05M_*.json"):
    return sorted(weir.lake.glob(f"am-*/**/{pattern}"))


def strays(weir):
    """What lies in the lake and no record names, what a record names and is not there, and what a killed program left."""
    named = set()
    for record in weir.lake.glob("weir/*/*/days/*/*/*.jsonl"):
        folder = Path(*record.relative_to(weir.lake).parts[:3], "parquet")
        named |= {str(folder / row["file"]) for row in map(json.loads, record.read_bytes().splitlines()) if "file" in row}
    here = {str(path.relative_to(weir.lake)) for path in parquet(weir)}
    return (here ^ named) | {str(path) for path in weir.lake.glob("weir/tmp/*/**")}


class Odd:
    """Rows that fit no schema: any value under any name."""

    VALUES = ["443", "-0", "1.0", "1e3", "0.10", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
              "9007199254740993", "123456789012345678901234567890", "1e400", "4.9e-324", "0.1", "true", "false", "null", '""', '" "',
              '"443"', '"true"', '"NaN"', '"null"', '"-Infinity"', '"2021-11-07T03:05:12.3456789Z"', '"2021-11-07T03:05:12.345678Z"',
              '"2021-11-07 03:05:12+02:00"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.9999999Z"', '"1677-01-01T00:00:00Z"',
              '"not a time"', '"8ECF8077-cf51-4820-aadd-14040956f35d"', '"8ecf8077-cf51-4820-aadd-14040956f35d"', '"8ecf8077"',
              '{"a":1,"b":[0.10,"x",null]}', "[]", "{}", "[1,2]", '{"a":{"a":{"a":{}}}}', '"{\\"a\\":1}"', '"é😀\\u0000\\ud83d"',
              '"\\u00e9"', '"a\\tb\\n"', '"' + "x" * 3000 + '"', "3", "17", "255", "2147483648", "1.5", '"c"', '"d"', '"1.02:03:04.5"']

    def __init__(self, chance):
        self.chance = chance
        self.names = [f"c{i}_{suffix}" for i in range(3) for suffix in SUFFIXES] + ["plain", "Plain", "naïve", "with blank", "a.b", 'q"q']
        # Most columns hold one kind of value most of the time.
        self.usual = {name: chance.sample(self.VALUES, 2) for name in self.names}

    def time(self):
        second, fraction = self.chance.randrange(2 * 86400), self.chance.choice(["", ".5", ".1234567", ".123456", ".9999999", ".0000001"])
        day, second = divmod(second, 86400)
        return f"2021-11-{6 + day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{fraction}Z"

    def line(self):
        chance, pairs = self.chance, []
        for name in self.names:
            kind = chance.random()
            if kind < 0.5:
                pairs.append((name, chance.choice(self.usual[name])))
            elif kind < 0.7:
                pairs.append((name, chance.choice(self.VALUES)))
        if chance.random() < 0.1:
            pairs.append((f"rare{chance.randrange(50)}", chance.choice(self.VALUES)))
        if chance.random() < 0.05 and pairs:
            pairs.append((pairs[0][0], chance.choice(self.VALUES)))  # the last counts
        pairs.insert(chance.randrange(len(pairs) + 1), ("TimeGenerated", f'"{self.time()}"'))
        return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{value}" for name, value in pairs) + "}"

    def file(self, rows):
        path = Folder().path / "odd.jsonl"
        path.write_text("".join(self.line() + "\n" for _ in range(rows)), encoding="utf-8")
        return path


class Values(unittest.TestCase):
    """Equal before and after."""

    maxDiff = 3000

    def same(self, before, after):
        self.assertEqual(before[0], after[0], "columns and types")
        self.assertEqual(dict(list((after[1] - before[1]).items())[:2]), dict(list((before[1] - after[1]).items())[:2]), "rows")

    def test_files_that_users_have(self):
        for name, words in REAL:
            with self.subTest(name):
                weir, table = Weir(), name.split(".")[0]
                done = weir.run("partition", DATA / "portal" / name, "--table", table, "--lake", weir.lake, *words)
                self.assertIn(done.returncode, (0, 3), done.stderr)
                before = seen(weir, table)
                self.assertGreater(before[1].total(), 0)
                compact(weir, table)
                self.assertTrue(parquet(weir))
                self.same(before, seen(weir, table))
                compact(weir, table, "--delete-json", "--yes")
                self.assertEqual(json_blobs(weir), [])
                self.same(before, seen(weir, table))
                weir.ok("verify", table, "--offline", "--lake", weir.lake)

    def test_rows_that_fit_no_schema(self):
        seed = seed_of("compact")
        for number in range(count_of("WEIR_COMPACT_TABLES", 4)):
            with self.subTest(number):
                weir, odd = Weir(), Odd(random.Random(f"{seed}/{number}"))
                weir.ok("partition", odd.file(1500), "--table", ODD, "--lake", weir.lake)
                before = seen(weir, ODD)
                self.assertEqual(before[1].total(), 1500)
                compact(weir, ODD)
                self.same(before, seen(weir, ODD))
                # Late rows with other types and names: what is a column now was a key that is none before.
                weir.ok("partition", odd.file(200), "--table", ODD, "--lake", weir.lake)
                late = seen(weir, ODD)
                self.assertEqual(late[1].total(), 1700)
                compact(weir, ODD, "--delete-json", "--yes")
                self.same(late, seen(weir, ODD))
                self.assertEqual(json_blobs(weir), [])

    def test_filters_find_what_they_found(self):
        """To the tick, at both ends of a range, and on every kind of column: what files and row groups are left out for."""
        chance = random.Random(seed_of("filters"))
        weir, data = Weir(), generate(TABLE, rows=3000, days=2)
        weir.ok("partition", data / f"{TABLE}.jsonl", "--table", TABLE, "--lake", weir.lake)
        rows = [json.loads(line) for line in (data / f"{TABLE}.jsonl").read_bytes().splitlines()]
        texts = ["isempty(SourceUserName)", "isnull(DeviceCustomNumber1)", "SourcePort > 60000", "Message has 'TRAFFIC'"]
        for row in chance.sample(rows, 6):
            at = f"datetime({row['TimeGenerated']})"
            texts += [f"TimeGenerated {sign} {at}" for sign in ("==", ">=", ">", "<", "<=", "!=")]
            texts += [f"TimeGenerated between ({at} .. {at} + 3h)", f"SourceIP == '{row['SourceIP']}' and TimeGenerated > {at}",
                      f"SentBytes == {row.get('SentBytes', 0)}", f"StartTime <= datetime({row.get('StartTime', '2021-11-07')})"]
        texts = [f"{TABLE} | where {text} | summarize n = count(), a = min(TimeGenerated), b = max(TimeGenerated), s = sum(SentBytes)"
                 for text in texts]
        before = {text: query(weir, text) for text in texts}
        compact(weir, TABLE)
        for blob in json_blobs(weir):
            blob.chmod(0)  # who reads it has not understood
        for text, answer in before.items():
            self.assertEqual(query(weir, text), answer, text)

    def test_a_day_larger_than_the_memory(self):
        weir, data = Weir(), generate(TABLE, rows=40_000, days=1)
        weir.ok("partition", data / f"{TABLE}.jsonl", "--table", TABLE, "--lake", weir.lake)
        before = query(weir, TABLE)
        compact(weir, TABLE, "--memory", "64MB")
        self.assertEqual(query(weir, TABLE), before)


class Exported(unittest.TestCase):
    """What weir exported, and what the service wrote beside it."""

    @classmethod
    def setUpClass(cls):
        cls.data = generate(TABLE, rows=1500, days=2)
        cls.emulator = cls.enterClassContext(Emulator(cls.data, "--rate", 0, "--at-once", 0))

    def exported(self):
        weir = Weir(self.emulator)
        weir.ok("export", TABLE, *RANGE)
        return weir

    def test_without_its_json_the_lake_is_still_proven(self):
        weir = self.exported()
        before, items = seen(weir, TABLE), query(weir, f"{TABLE} | project _ItemId")
        self.assertEqual(items.total(), 1500)
        compact(weir, TABLE, "--delete-json", "--yes")
        self.assertEqual(json_blobs(weir), [])
        self.assertEqual(seen(weir, TABLE), before)
        done = weir.ok("export", TABLE, *RANGE)  # nothing is fetched again
        self.assertEqual(json_blobs(weir), [], done.stderr)
        weir.ok("verify", TABLE, "--offline")
        weir.ok("verify", TABLE, *RANGE)
        self.assertEqual(seen(weir, TABLE), before)

    def test_a_file_that_is_damaged_is_found(self):
        weir = self.exported()
        compact(weir, TABLE, "--delete-json", "--yes")
        path = parquet(weir)[0]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
        self.assertEqual(weir.run("verify", TABLE, "--offline").returncode, 3)
        path.unlink()
        self.assertEqual(weir.run("verify", TABLE, "--offline").returncode, 3)
        self.assertNotEqual(weir.run("query", f"{TABLE} | count").returncode, 0)

    def test_partitions_that_are_written_anew_take_the_place_of_those_in_the_file(self):
        """With the JSON gone, and then compacted again."""
        weir = self.exported()
        compact(weir, TABLE, "--delete-json", "--yes")
        more = Folder().path
        lines = (self.data / f"{TABLE}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        lines = [line + "\n" for line in lines]
        late = [line.replace('"DeviceVendor":"', '"DeviceVendor":"late ', 1) for line in lines[::10]]
        (more / f"{TABLE}.jsonl").write_text("".join(sorted(lines + late)), encoding="utf-8")
        with Emulator(more, "--rate", 0, "--at-once", 0) as emulator:
            weir.ok("init", "--from-emulator", emulator.ready, "--lake", weir.lake, "--force")
            truth = Weir(emulator)
            truth.ok("export", TABLE, *RANGE)
            want = query(truth, f"{TABLE} | project-away _ItemId")
            weir.ok("export", TABLE, *RANGE, "--refresh")
            self.assertEqual(query(weir, f"{TABLE} | project-away _ItemId"), want)
            compact(weir, TABLE, "--delete-json", "--yes")
            self.assertEqual(query(weir, f"{TABLE} | project-away _ItemId"), want)
            weir.ok("verify", TABLE, "--offline")
            weir.ok("verify", TABLE, *RANGE)

    def test_the_services_own_blobs(self):
        """Lines that are there twice are in the file once; its blobs go only when that is asked for by name."""
        chance = random.Random(seed_of("service"))
        weir = self.exported()
        own = json_blobs(weir, "PT05M_weir.json")
        for blob in own[len(own) // 2:]:
            lines = blob.read_bytes().splitlines(keepends=True)
            blob.with_name("PT05M.json").write_bytes(b"".join(chance.sample(lines, (len(lines) + 1) // 2)))
        before = query(weir, TABLE)
        self.assertEqual(before.total(), 1500)
        compact(weir, TABLE)
        self.assertEqual(query(weir, TABLE), before)
        compact(weir, TABLE, "--delete-json", "--yes")
        self.assertEqual(json_blobs(weir, "PT05M_weir.json"), [])
        self.assertEqual(len(json_blobs(weir, "PT05M.json")), len(own) - len(own) // 2)
        self.assertEqual(query(weir, TABLE), before)
        compact(weir, TABLE, "--delete-json", "--delete-service-blobs", "--yes")
        self.assertEqual(json_blobs(weir, "PT05M*.json"), [])
        self.assertEqual(query(weir, TABLE), before)


class Days(unittest.TestCase):
    def test_a_day_is_closed_three_days_past_its_end(self):
        weir, data = Weir(), generate(TABLE, rows=300, days=2)
        weir.ok("partition", data / f"{TABLE}.jsonl", "--table", TABLE, "--lake", weir.lake)
        done = weir.ok("compact", TABLE, "--lake", weir.lake, "--closed-after", "36500d")
        self.assertEqual(parquet(weir), [], done.stderr)

    def test_again_it_does_nothing_and_late_rows_reopen_one_day(self):
        weir, data = Weir(), generate(TABLE, rows=600, days=2)
        lines = (data / f"{TABLE}.jsonl").read_bytes().splitlines(keepends=True)
        first, late = Folder().path / "first.jsonl", Folder().path / "late.jsonl"
        first.write_bytes(b"".join(lines[:250] + lines[300:]))
        late.write_bytes(b"".join(lines[250:300]))
        weir.ok("partition", first, "--table", TABLE, "--lake", weir.lake)
        compact(weir, TABLE)
        files = {path: path.stat().st_mtime_ns for path in parquet(weir)}
        compact(weir, TABLE)
        self.assertEqual(files, {path: path.stat().st_mtime_ns for path in parquet(weir)})
        weir.ok("partition", late, "--table", TABLE, "--lake", weir.lake)
        before = query(weir, TABLE)
        self.assertEqual(before.total(), 600)
        compact(weir, TABLE)
        self.assertEqual(query(weir, TABLE), before)
        again = {path for path in files if path in set(parquet(weir))}
        self.assertEqual({path.parent.name for path in again}, {path.parent.name for path in files} - {path.parent.name for path in
                         files.keys() - again}, "one day alone is compacted anew")
        self.assertEqual(strays(weir), set())


class Kill(unittest.TestCase):
    def reopen(self, weir, calm, path):
        late = Folder().path / "late.jsonl"
        late.write_bytes((generate(TABLE, rows=400, days=3, seed=8) / f"{TABLE}.jsonl").read_bytes())
        calm.ok("partition", late, "--table", TABLE, "--lake", calm.lake)
        shutil.move(calm.lake, path)
        return query(weir, TABLE, path)

    def test_killed_at_any_instant_no_row_is_lost_or_twice(self):
        seed = seed_of("compact kill")
        chance = random.Random(seed)
        weir, data = Weir(), generate(TABLE, rows=2500, days=3)
        weir.ok("partition", data / f"{TABLE}.jsonl", "--table", TABLE, "--lake", weir.lake)
        calm = Weir()
        shutil.copytree(weir.lake, calm.lake)
        before, begun, counts = query(weir, TABLE), time.monotonic(), calm.folder / "counts"
        done = calm.ok("compact", TABLE, "--lake", calm.lake, *ALWAYS, "--delta", "--delete-json", "--yes",
                       env=laid_under(calm, counts=counts))
        seconds, killed = time.monotonic() - begun, 0
        calls = {name: int(n) for name, n in (line.split() for line in counts.read_text().splitlines())}
        self.assertEqual(query(calm, TABLE), before, done.stderr)
        # A lake that was never compacted, and one whose JSON is gone and whose days are reopened by late rows.
        whole, reopened = weir.folder / "whole", weir.folder / "reopened"
        weir.lake.rename(whole)
        begins = [(whole, before), (reopened, self.reopen(weir, calm, reopened))]
        for story in range(count_of("WEIR_COMPACT_KILLS", KILLS)):
            if story % 2 == 0:
                start, before = begins[story // 2 % 2]
                shutil.rmtree(weir.lake, ignore_errors=True)
                shutil.copytree(start, weir.lake)
            words = ["compact", TABLE, "--lake", weir.lake, *ALWAYS, "--delta", "--yes"]
            words += chance.choice([[], ["--delete-json"], ["--delete-json"]])
            env, after = {}, seconds * chance.uniform(0.02, 1)
            if chance.random() < 0.6:
                name = chance.choice(["write", "rename", "unlink", "open", "sync"])
                env, after = laid_under(weir, call=f"{name}:{1 + int(calls[name] * chance.random())}:killed"), None
            process = weir.start(*words, env=env)
            if after is not None:
                time.sleep(after)
                process.send_signal(signal.SIGKILL)
            _, said = process.communicate(timeout=PATIENCE)
            self.assertIn(process.returncode, (0, -signal.SIGKILL), said)
            killed += process.returncode != 0
            self.assertEqual(query(weir, TABLE), before, f"{words} {env} {after}")
            if story % 2 == 1:
                compact(weir, TABLE, "--delta", "--delete-json", "--yes")
                self.assertEqual(query(weir, TABLE), before)
                self.assertEqual(json_blobs(weir), [])
                self.assertEqual(strays(weir), set())
                weir.ok("verify", TABLE, "--offline", "--lake", weir.lake)
        print(f"compact kill: {killed} kills", flush=True)
        self.assertGreater(killed, count_of("WEIR_COMPACT_KILLS", KILLS) // 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)

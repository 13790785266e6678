"""A lake in a storage account: Azurite, looked at and written to by Microsoft's own client."""
import base64
import hashlib
import json
import signal
import subprocess
import time
import unittest
import urllib.parse

from azure.core.credentials import AccessToken
from azure.storage.blob import BlobLeaseClient

from azurite import Azurite, Certificate, CloudWeir, hours, md5s, new_key
from campaign import laid_under
from harness import BIN, Emulator, Weir, environment, generate
from proxy import Answer, Immutable, Pass, Proxy, Revoked, Tunnel

TABLE = "CommonSecurityLog"
CONTAINER = "am-commonsecuritylog"
ROWS = 400
DAY = ["--end-date", "2021-11-07"]
COUNT = f"{TABLE} | summarize Rows = count()"
ELSEWHERE = ["unshare", "--uts", "--pid", "--fork", "--kill-child"]  # as good as another machine


class Base(unittest.TestCase):
    """One emulator and one Azurite for all; each test has accounts of its own."""

    @classmethod
    def setUpClass(cls):
        cls.spare = cls.enterClassContext(Azurite(spare=12))
        cls.data = generate(TABLE, rows=ROWS, days=1)
        cls.emulator = cls.enterClassContext(Emulator(cls.data, "--rate", 0, "--at-once", 0))
        cls.local = Weir(cls.emulator)
        cls.local.ok("export", TABLE, *DAY)
        cls.truth = md5s(cls.local, TABLE)

    def azurite(self, tls=None):
        return self.enterContext(Azurite(tls)) if tls else self.spare.another()

    def proxied(self, azurite, rule=None, **more):
        proxy = self.enterContext(Proxy(azurite, rule))
        return proxy, CloudWeir(self.emulator, azurite, address=proxy.url, **more)

    def count(self, weir):
        (line,) = weir.ok("query", COUNT, *DAY, "-o", "jsonl").stdout.splitlines()
        return json.loads(line)["Rows"]

    def exported(self, weir, *words):
        done = weir.ok("export", TABLE, *DAY, *words)
        self.assertEqual(weir.md5s(TABLE), self.truth)
        return done


class Lakes(Base):
    def test_an_account_holds_the_very_bytes_of_a_folder(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        done = self.exported(weir)
        self.assertIn(f"{ROWS:,} rows, counts and sums equal", done.stderr)
        self.assertEqual(azurite.containers(), [CONTAINER, "weir"])
        weir.ok("verify", TABLE, *DAY)
        weir.ok("verify", TABLE, "--offline")
        self.assertEqual(self.count(weir), ROWS)
        (line,) = weir.json("lake", "ls")
        self.assertEqual((line["table"], line["blobs"], line["partitions"]), (TABLE, len(self.truth), len(self.truth)))
        proxy.forget()
        self.assertIn("verified", weir.ok("export", TABLE, *DAY).stderr)
        written = [r.blob for r in proxy.seen("put", "block", "block list") if r.container == CONTAINER]
        self.assertEqual(written, [], "what is verified was written again")

    def test_every_blob_is_checked_marked_and_named_in_the_ledger(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        self.exported(weir)
        by_partition = {line["partition"]: line for line in weir.ledger(TABLE).values() if line["rows"]}
        self.assertEqual(len(by_partition), len(self.truth))
        md5s = {line["md5"] for line in by_partition.values()}
        for name, properties in azurite.blobs(CONTAINER).items():
            body = azurite.read(CONTAINER, name)
            self.assertEqual(bytes(properties.content_settings.content_md5), hashlib.md5(body).digest(), name)
            self.assertIn("weir", properties.metadata, name)
            self.assertTrue({hashlib.md5(body).hexdigest(), base64.b64encode(hashlib.md5(body).digest()).decode()} & md5s)
        for request in proxy.seen("put"):
            if request.container == CONTAINER:
                self.assertTrue(request.header("Content-MD5"), request.blob)
                self.assertEqual(request.header("If-None-Match"), "*", request.blob)

    def test_one_container_with_a_folder(self):
        azurite = self.azurite()
        weir = CloudWeir(self.emulator, azurite, address=f"{azurite.url}/lake/history")
        self.exported(weir)
        self.assertEqual(azurite.containers(), ["lake"])
        self.assertEqual({name.split("/")[0] for name in azurite.blobs("lake")}, {"history"})
        weir.ok("verify", TABLE, "--offline")
        self.assertEqual(self.count(weir), ROWS)

    def test_a_container_of_one_table_is_that_table_s_own(self):
        azurite = self.azurite()
        azurite.service().create_container(CONTAINER)
        weir = CloudWeir(self.emulator, azurite, address=f"{azurite.url}/{CONTAINER}")
        self.exported(weir)
        self.assertEqual(azurite.containers(), [CONTAINER, "weir"])
        self.assertEqual(self.count(weir), ROWS)

    def test_abfss_by_a_company_s_proxy_with_a_token(self):
        """abfss://... is the Blob endpoint of the account, found through https_proxy, verified by --ca-file."""
        host = "weirtests.blob.core.windows.net"
        azurite = self.azurite(tls=Certificate(host))
        tunnel = self.enterContext(Tunnel(azurite.port))
        weir = CloudWeir(self.emulator, azurite, address="abfss://lake@weirtests.dfs.core.windows.net/history",
                         settings={"https_proxy": tunnel.url})
        weir.ok("export", TABLE, *DAY)
        self.assertEqual({line.split()[1] for line in tunnel.asked}, {f"{host}:443"})
        there = {f"{name}".removeprefix("history/"): hashlib.md5(azurite.read("lake", name)).hexdigest()
                 for name in azurite.blobs("lake") if "/am-" in name}
        self.assertEqual(there, self.truth)
        self.assertEqual(self.count(weir), ROWS)

    def test_large_blobs_go_in_blocks_and_come_back_whole(self):
        azurite = self.azurite()
        data = generate("SecurityEvent", rows=3)
        with open(data / "SecurityEvent.jsonl", "w") as out:
            for i in range(14_000):
                out.write(json.dumps({"TimeGenerated": f"2021-11-07T03:04:05.{i:07}Z", "Activity": f"{i:08}" * 100}) + "\n")
        with Emulator(data, "--rate", 0, "--at-once", 0) as emulator:
            local = Weir(emulator)
            local.ok("export", "SecurityEvent", *DAY)
            proxy = self.enterContext(Proxy(azurite))
            weir = CloudWeir(emulator, azurite, address=proxy.url)
            weir.ok("export", "SecurityEvent", *DAY)
            self.assertEqual(weir.md5s("SecurityEvent"), md5s(local, "SecurityEvent"))
            self.assertGreater(len(proxy.seen("block")), 1)
            self.assertEqual(len(proxy.seen("block list")), 1)
            weir.ok("verify", "SecurityEvent", "--offline")
            query = "SecurityEvent | summarize Rows = count(), Last = max(Activity)"
            (line,) = weir.ok("query", query, *DAY, "-o", "jsonl").stdout.splitlines()
            self.assertEqual(json.loads(line), {"Rows": 14_000, "Last": "00013999" * 100})

    def test_the_service_s_append_blobs_are_read(self):
        azurite = self.azurite()
        weir = CloudWeir(self.emulator, azurite)
        self.exported(weir)
        (folder,) = {name.split("/y=")[0] for name in azurite.blobs(CONTAINER)}
        client = azurite.service().get_container_client(CONTAINER)
        line = b'{"TimeGenerated":"2021-11-08T00:%02d:01Z","DeviceVendor":"later","Type":"CommonSecurityLog"}\n'
        for minute in (0, 5):
            blob = client.get_blob_client(f"{folder}/y=2021/m=11/d=08/h=00/m={minute:02}/PT05M.json")
            blob.create_append_blob()
            for _ in range(3):
                blob.append_block(line % minute)
        client.upload_blob(f"{folder}/y=2021/m=11/d=08/h=00/m=10/PT5M.json", line % 10)
        query = f'{TABLE} | where DeviceVendor == "later" | summarize Rows = count()'
        (told,) = weir.ok("query", query, "--start", "2021-11-07", "--end", "2021-11-09", "-o", "jsonl").stdout.splitlines()
        self.assertEqual(json.loads(told)["Rows"], 7)

    def test_the_tier_is_set_as_each_blob_is_written(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        self.exported(weir, "--tier", "cool")
        self.assertEqual({b.blob_tier for b in azurite.blobs(CONTAINER).values()}, {"Cool"})
        self.assertEqual(proxy.seen("tier"), [])
        self.assertEqual({b.blob_tier for b in azurite.blobs("weir").values()}, {"Hot"}, "the ledger is read at each run")

    def test_a_lake_in_the_archive_is_gone_on_with(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        self.exported(weir, "--tier", "archive")
        self.assertEqual({b.blob_tier for b in azurite.blobs(CONTAINER).values()}, {"Archive"})
        proxy.forget()
        self.exported(weir, "--tier", "archive")
        self.assertEqual([r.blob for r in proxy.seen("put", "get", "tier") if r.container == CONTAINER], [])

    def test_a_day_among_many_costs_a_few_listings(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        weir.ok("export", TABLE, *DAY)
        (folder,) = {name.split("/y=")[0] for name in azurite.blobs(CONTAINER)}
        client = azurite.service().get_container_client(CONTAINER)
        for month in range(1, 11):
            for day in range(1, 29, 3):
                client.upload_blob(f"{folder}/y=2021/m={month:02}/d={day:02}/h=00/m=00/PT05M.json", b"{}\n")
        proxy.forget()
        weir.ok("query", COUNT, *DAY)
        listed = [r.target for r in proxy.seen("list") if r.container == CONTAINER]
        self.assertLessEqual(len(listed), 4, "\n".join(listed))  # whose table; which folders; d=07 and d=7


class Sas(Base):
    def with_sas(self, azurite, sas, address=None):
        return CloudWeir(self.emulator, azurite, address=address, settings={"WEIR_STORAGE_SAS": "env:THE_SAS", "THE_SAS": sas})

    def test_of_the_account(self):
        azurite = self.azurite()
        sas = azurite.account_sas(last=0.5)
        weir = self.with_sas(azurite, sas)
        self.exported(weir)
        end = urllib.parse.parse_qs(sas)["se"][0]
        self.assertIn(end[:16].replace("T", " "), weir.run("check", "-o", "json").stdout.replace("T", " "))
        weir.ok("verify", TABLE, "--offline")
        self.assertEqual(self.count(weir), ROWS)

    def test_of_a_container_with_or_without_a_question_mark(self):
        azurite = self.azurite()
        azurite.service().create_container("lake")
        for number, mark in enumerate(("", "?")):
            weir = self.with_sas(azurite, mark + azurite.container_sas("lake"), address=f"{azurite.url}/lake/{number}")
            self.exported(weir)

    def test_of_a_user_s_delegation(self):
        azurite = self.azurite(tls=Certificate())
        token = StorageToken(self.emulator)
        key = azurite.service(credential=token).get_user_delegation_key(hours(-1), hours(1))
        azurite.service().create_container("lake")
        weir = self.with_sas(azurite, azurite.container_sas("lake", delegation=key), address=f"{azurite.url}/lake")
        self.exported(weir)

    def test_one_that_may_not_write_is_named(self):
        azurite = self.azurite()
        weir = self.with_sas(azurite, azurite.account_sas(permission="rl"))
        done = weir.run("export", TABLE, *DAY)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn("write", done.stderr)
        self.assertEqual(azurite.containers(), [])

    def test_one_that_has_ended_is_named_with_its_end(self):
        azurite = self.azurite()
        end = hours(-0.5)
        weir = self.with_sas(azurite, azurite.account_sas(last=-0.5))
        done = weir.run("export", TABLE, *DAY)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ended", done.stderr)
        self.assertIn(end.strftime("%Y-%m-%d %H:%M"), done.stderr)

    def test_one_that_ends_in_the_middle_is_read_again(self):
        azurite = self.azurite()
        path = self.local.folder / "rotating.sas"
        path.touch(0o600)
        path.write_text(azurite.account_sas(last=1))
        later = azurite.account_sas(last=3)

        def rule(request):
            if len(proxy.seen("put")) < 60 or request.query.get("se") == later_end:
                return None
            path.write_text(later)
            return Answer(403, "AuthenticationFailed", {}, "Signature not valid in the specified time frame")
        later_end = urllib.parse.parse_qs(later)["se"][0]
        proxy = self.enterContext(Proxy(azurite))
        weir = CloudWeir(self.emulator, azurite, address=proxy.url, settings={"WEIR_STORAGE_SAS": f"file:{path}"})
        proxy.rule = rule
        self.exported(weir)


class StorageToken:
    """A token of the emulator for Storage, as Microsoft's client takes it."""

    def __init__(self, emulator):
        self.emulator = emulator

    def get_token(self, *_, **__):
        told = self.emulator.token("https://storage.azure.com")
        return AccessToken(told["access_token"], int(time.time()) + int(told["expires_in"]))


class Tokens(Base):
    def test_an_account_by_token(self):
        azurite = self.azurite(tls=Certificate())
        weir = CloudWeir(self.emulator, azurite, settings={})
        self.exported(weir)
        weir.ok("verify", TABLE, "--offline")
        self.assertEqual(self.count(weir), ROWS)

    def test_a_certificate_of_a_stranger_is_refused(self):
        azurite = self.azurite(tls=Certificate())
        weir = CloudWeir(self.emulator, azurite, settings={"WEIR_CA_FILE": str(Certificate().ca)})
        done = weir.run("export", TABLE, *DAY)
        self.assertEqual(done.returncode, 1)
        self.assertIn("certificate", done.stderr)
        self.assertEqual(azurite.containers(), [])


class Keys(Base):
    def test_a_key_that_is_rotated_in_the_middle_is_read_again(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        path = azurite.key_file(folder=weir.folder)
        revoked = Revoked(azurite.account, azurite.keys[0])

        def rule(request):
            if len(proxy.seen("put")) < 60:
                return None
            path.write_text(azurite.keys[1])
            return revoked(request)
        proxy.rule = rule
        done = self.exported(weir)
        self.assertGreater(revoked.refused, 0)
        self.assertIn(f"{ROWS:,} rows, counts and sums equal", done.stderr)

    def test_a_key_that_is_refused_twice_ends_the_run(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        azurite.key_file(new_key(), folder=weir.folder)
        done = weir.run("export", TABLE, *DAY)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("AuthenticationFailed", done.stderr)
        self.assertLess(len(proxy.requests), 10)


class Locks(Base):
    def begin(self, weir, proxy, speed=None, host=None):
        """An export that is in the middle: uploads wait in the proxy. host: the machine's name as it sees it."""
        proxy.rule = lambda r: Pass(wait=1.0) if r.kind == "put" and r.container == CONTAINER else None
        if host:
            inside = [*ELSEWHERE, "sh", "-c", f'hostname {host} && exec "$0" "$@"', BIN / "weir"]
            process = subprocess.Popen([*inside, "export", TABLE, *DAY], cwd=weir.folder, env=environment(weir.settings), text=True,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        else:
            process = weir.start("export", TABLE, *DAY, env=laid_under(speed=speed) if speed else None)
        deadline = time.monotonic() + 30
        while not [r for r in proxy.seen("put") if r.container == CONTAINER]:
            self.assertIsNone(process.poll(), process.stderr.read() if process.poll() else "")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return process

    def test_of_two_exports_the_second_says_who_the_first_is(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        first = self.begin(weir, proxy)
        second = CloudWeir(self.emulator, azurite)
        done = second.run("export", TABLE, *DAY)
        proxy.rule = None
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("held", done.stderr)
        self.assertIn(str(first.pid), done.stderr)
        _, said = first.communicate(timeout=120)
        self.assertEqual(first.returncode, 0, said)
        self.assertEqual(weir.md5s(TABLE), self.truth)

    def test_a_killed_owner_on_this_machine_is_taken_over_at_once(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        first = self.begin(weir, proxy)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        proxy.rule = None
        begun = time.monotonic()
        self.exported(weir)
        self.assertLess(time.monotonic() - begun, 15, "it waited for the lease to end")

    def test_an_owner_on_another_machine_may_live_for_all_that_we_know(self):
        if subprocess.run([*ELSEWHERE, "hostname", "elsewhere"], capture_output=True, check=False).returncode:
            self.skipTest("may not play another machine here")
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        first = self.begin(weir, proxy, host="machine-elsewhere")
        first.send_signal(signal.SIGKILL)
        first.communicate()
        proxy.rule = None
        done = weir.run("export", TABLE, *DAY)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("machine-elsewhere", done.stderr)
        self.assertIn("60 s", done.stderr)

    def test_a_lease_that_is_lost_ends_the_writing(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        process = self.begin(weir, proxy, speed=10)  # of its clock: it renews the lease each 1.5 s
        (lock,) = [(c, n) for c in azurite.containers() for n in azurite.blobs(c) if n.endswith("/lock")]
        BlobLeaseClient(azurite.service().get_blob_client(*lock)).break_lease(0)
        other = BlobLeaseClient(azurite.service().get_blob_client(*lock))
        other.acquire(60)
        _, said = process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, 0, said)
        self.assertIn("lease", said)


class NotOurs(Base):
    def place(self, azurite, weir):
        """A blob by somebody else under a name that weir would write."""
        name = sorted(self.truth)[3].split("/", 1)[1]
        azurite.service().create_container(CONTAINER)
        client = azurite.service().get_blob_client(CONTAINER, name)
        client.upload_blob(b"theirs\n")
        return client

    def test_a_blob_that_weir_did_not_write_is_never_overwritten(self):
        azurite = self.azurite()
        weir = CloudWeir(self.emulator, azurite)
        client = self.place(azurite, weir)
        done = weir.run("export", TABLE, *DAY)
        self.assertIn(done.returncode, (1, 3), done.stderr)
        self.assertIn("not written by weir", done.stderr)
        self.assertEqual(client.download_blob().readall(), b"theirs\n")

    def test_a_leased_blob_is_named(self):
        azurite = self.azurite()
        weir = CloudWeir(self.emulator, azurite)
        self.exported(weir)
        name = sorted(self.truth)[3].split("/", 1)[1]
        lease = azurite.service().get_blob_client(CONTAINER, name).acquire_lease(60)
        done = weir.run("export", TABLE, *DAY, "--refresh")
        if done.returncode:  # equal bytes need no writing, so a refresh may not touch it
            self.assertIn("lease", done.stderr.lower())
        lease.release()
        self.assertEqual(weir.md5s(TABLE), self.truth)

    def test_what_others_removed_is_fetched_again(self):
        """Soft-deleted or gone: a listing without it shows."""
        azurite = self.azurite()
        weir = CloudWeir(self.emulator, azurite)
        self.exported(weir)
        for name in sorted(self.truth)[:4]:
            azurite.service().get_blob_client(CONTAINER, name.split("/", 1)[1]).delete_blob()
        self.assertEqual(weir.run("verify", TABLE, "--offline").returncode, 3)
        self.exported(weir)
        weir.ok("verify", TABLE, "--offline")


class Immutability(Base):
    """A container under a time policy or a legal hold, played by the proxy: what would change something is refused there,
    and weir must not have tried."""

    def lake(self, legal_hold=False):
        azurite = self.azurite()
        rule = Immutable(azurite, legal_hold=legal_hold)
        proxy, weir = self.proxied(azurite, rule)
        for name in (CONTAINER, "weir"):
            azurite.service().create_container(name)
        return azurite, rule, weir

    def test_an_export_only_creates(self):
        for legal_hold in (False, True):
            azurite, rule, weir = self.lake(legal_hold)
            self.exported(weir)
            before = azurite.tags()
            self.exported(weir)
            weir.ok("verify", TABLE, "--offline")
            self.assertEqual(self.count(weir), ROWS)
            self.assertEqual(rule.refused, [])
            after = azurite.tags()
            changed = [name for name in before if after.get(name) != before[name]]
            self.assertEqual(changed, [])

    def test_a_repair_goes_under_a_new_number(self):
        """The first run saw a part of the rows; the second has more for some partitions."""
        azurite, rule, weir = self.lake()
        few = generate(TABLE, rows=ROWS, days=1)
        lines = (few / f"{TABLE}.jsonl").read_bytes().splitlines(keepends=True)
        (few / f"{TABLE}.jsonl").write_bytes(b"".join(lines[::2]))
        with Emulator(few, "--rate", 0, "--at-once", 0) as early:
            weir.ok("init", "--from-emulator", early.ready, "--lake", weir.lake, "--force")
            weir.ok("export", TABLE, *DAY)
        first = weir.md5s(TABLE)
        weir.ok("init", "--from-emulator", self.emulator.ready, "--lake", weir.lake, "--force")
        weir.ok("export", TABLE, *DAY, "--refresh")
        self.assertEqual(rule.refused, [])
        both = weir.md5s(TABLE)
        self.assertEqual({name: both[name] for name in first}, first, "what is immutable was changed")
        self.assertTrue([name for name in both if name.endswith("PT05M_weir_2.json")])
        self.assertEqual(self.count(weir), ROWS)
        weir.ok("verify", TABLE, *DAY)
        weir.ok("verify", TABLE, "--offline")


class Compacted(Base):
    """Days in Parquet; what stands for them as JSON is deleted, weir's own and, when that is said, the service's."""

    WORDS = ["compact", TABLE, "--closed-after", "0s"]

    def both(self, azurite, weir):
        """Beside half of weir's blobs one of the service, with the same rows."""
        self.exported(weir)
        for name in sorted(azurite.blobs(CONTAINER))[::2]:
            theirs = azurite.service().get_blob_client(CONTAINER, name.replace("PT05M_weir", "PT05M"))
            theirs.create_append_blob()
            theirs.append_block(azurite.read(CONTAINER, name))

    def test_blobs_of_both_are_deleted(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        self.both(azurite, weir)
        blobs = len(azurite.blobs(CONTAINER))
        lines = weir.folder / "again.jsonl"
        lines.write_bytes(b"".join(azurite.read(CONTAINER, name) for name in azurite.blobs(CONTAINER) if "PT05M_weir" in name))
        weir.ok(*self.WORDS, "--delete-json", "--yes")
        left = azurite.blobs(CONTAINER)
        self.assertEqual({name.rsplit("/", 1)[1] for name in left}, {"PT05M.json"})
        self.assertEqual(self.count(weir), ROWS)
        proxy.forget()
        weir.ok(*self.WORDS, "--delete-json", "--delete-service-blobs", "--yes")
        self.assertEqual(azurite.blobs(CONTAINER), {})
        self.assertEqual(len([r for r in proxy.seen("delete") if r.container == CONTAINER]), len(left))
        self.assertLess(len(left), blobs)
        self.assertEqual(self.count(weir), ROWS)
        weir.ok("verify", TABLE, "--offline")
        done = weir.ok("partition", lines, "--table", TABLE, "--dedup", "_ItemId")
        self.assertIn(f"{ROWS:,} rows left out as equal to others", done.stderr)
        self.assertEqual(self.count(weir), ROWS)

    def test_nothing_is_deleted_under_a_hold_or_a_policy(self):
        for legal_hold in (True, False):
            azurite = self.azurite()
            proxy, weir = self.proxied(azurite)
            self.both(azurite, weir)
            before = azurite.tags()
            proxy.rule = rule = Immutable(azurite, [CONTAINER], legal_hold=legal_hold)
            for words in (["--delete-json"], ["--delete-json", "--delete-service-blobs"]):
                done = weir.run(*self.WORDS, *words, "--yes")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("legal hold", done.stderr)
            self.assertEqual(azurite.tags(), before)
            weir.ok(*self.WORDS)
            self.assertEqual(rule.refused, [])
            self.assertEqual(self.count(weir), ROWS)


class Imported(Base):
    """Logs that are files already, into an account."""

    def row(self, minute, value):
        return json.dumps({"TimeGenerated": f"2021-11-07T03:{minute:02}:00Z", "a_s": value})

    def put(self, weir, name, minutes, value, *words):
        path = weir.folder / name
        path.write_text("".join(self.row(minute, value) + "\n" for minute in minutes))
        return weir.ok("partition", path, "--table", "T_CL", *words)

    def blobs(self, azurite):
        """The import of each blob, by its partition."""
        names = [name.rsplit("/", 3)[1:] for name in azurite.blobs("am-t-cl")]
        return {minute: name.removeprefix("PT05M_").removesuffix(".json") for _, minute, name in names}

    def test_an_import_is_replaced(self):
        azurite = self.azurite()
        proxy, weir = self.proxied(azurite)
        self.put(weir, "a.jsonl", range(60), "old")
        (old,) = set(self.blobs(azurite).values())
        self.put(weir, "b.jsonl", range(0, 60, 10), "new", "--replace", old)
        left = self.blobs(azurite)
        self.assertEqual(sorted(left), [f"m={minute:02}" for minute in range(0, 60, 10)])
        self.assertNotIn(old, left.values())
        (line,) = weir.ok("query", "T_CL | summarize n = count() by a_s", *DAY, "-o", "jsonl").stdout.splitlines()
        self.assertEqual(json.loads(line), {"a_s": "new", "n": 6})


if __name__ == "__main__":
    unittest.main(verbosity=2)

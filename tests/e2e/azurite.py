"""Azurite (build/azurite), started for a test on a free port of loopback, and Microsoft's own client of it.

An account of its own, so that no key that the world knows is used by chance. What weir does to it is looked at with
azure-storage-blob alone.
"""
import atexit
import base64
import copy
import ctypes
import datetime
import hashlib
import ipaddress
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import (AccountSasPermissions, BlobServiceClient, ContainerSasPermissions, ResourceTypes,
                                generate_account_sas, generate_container_sas)

from harness import SOURCE, Folder, Weir

ACCOUNT = "weirtests"
START_SECONDS = 60
LISTENS = re.compile(rb"successfully listens on (https?://127\.0\.0\.1:(\d+))")
PROGRAM = SOURCE / "build/azurite/node_modules/azurite/dist/src/blob/main.js"
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def new_key():
    return base64.b64encode(os.urandom(64)).decode()


def hours(n):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=n)


class Certificate:
    """A certificate authority of this test, and a certificate by it for loopback and an account's own host names."""

    def __init__(self, *names):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
        folder = Folder().path
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "certificate.pem", folder / "key.pem"

        issuer_name = f"weir tests {os.urandom(4).hex()}"

        def make(name, key, issuer, by, authority):
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
                       .public_key(key.public_key()).serial_number(x509.random_serial_number())
                       .not_valid_before(hours(-1)).not_valid_after(hours(24))
                       .add_extension(x509.BasicConstraints(authority, None), critical=True))
            if not authority:
                hosts = [x509.DNSName(host) for host in ("localhost", *names)]
                hosts.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
                builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            return builder.sign(by or key, hashes.SHA256())

        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca = make(issuer_name, ca_key, None, None, True)
        leaf = make("127.0.0.1", key, ca.subject, ca_key, False)
        pem = serialization.Encoding.PEM
        self.ca.write_bytes(ca.public_bytes(pem))
        self.certificate.write_bytes(leaf.public_bytes(pem))
        self.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.key.chmod(0o600)


class Azurite:
    """A storage account, in memory or in a folder that outlives the process; two keys, as an account has. A process
    starts with `spare` more accounts, which another() gives out: it takes a second to start one.

    tls: a Certificate; then it takes tokens (--oauth basic) as well as keys and SAS."""

    def __init__(self, tls=None, folder=None, keys=None, spare=0):
        self.tls, self.folder, self.account = tls, folder, ACCOUNT
        self.keys = keys or [new_key(), new_key()]
        self._others = [(f"{ACCOUNT}{n}", [new_key(), new_key()]) for n in range(spare)]
        self._accounts = [(self.account, self.keys), *self._others]
        self.port, self._process, self._clients = 0, None, {}
        atexit.register(self.stop)
        self.start()

    def start(self):
        """Starts it, again on the port that it had."""
        where = ["--location", self.folder] if self.folder else ["--inMemoryPersistence"]
        tls = ["--cert", self.tls.certificate, "--key", self.tls.key, "--oauth", "basic"] if self.tls else []
        accounts = ";".join(":".join([name, *keys]) for name, keys in self._accounts)
        self.log = Path(Folder().path) / "azurite.log"
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                ["node", PROGRAM, *map(str, where), *map(str, tls), "--blobPort", str(self.port), "--silent",
                 "--disableTelemetry", "--skipApiVersionCheck", "--blobKeepAliveTimeout", "600"],
                env={**os.environ, "AZURITE_ACCOUNTS": accounts}, cwd=self.log.parent,
                stdout=log, stderr=log, preexec_fn=lambda: ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL))
        deadline = time.monotonic() + START_SECONDS
        while not (found := LISTENS.search(self.log.read_bytes())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.02)  # a line is waited for, not a guess made
        self.origin, self.port = found.group(1).decode(), int(found.group(2))

    def another(self):
        """An account of the same process that nobody used yet."""
        other = copy.copy(self)
        (other.account, other.keys), other._clients = self._others.pop(), {}
        return other

    @property
    def url(self):
        return f"{self.origin}/{self.account}"

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # -- Microsoft's client --

    def service(self, credential=None, url=None):
        verify = {"connection_verify": str(self.tls.ca)} if self.tls else {}
        what = (url or self.url, str(credential))
        if what not in self._clients:
            self._clients[what] = BlobServiceClient(what[0], credential=credential or self.keys[0], retry_total=0, **verify)
        return self._clients[what]

    def containers(self):
        return sorted(c.name for c in self.service().list_containers())

    def blobs(self, container, prefix=None):
        """Name to properties, as the listing has them."""
        client = self.service().get_container_client(container)
        try:
            return {b.name: b for b in client.list_blobs(name_starts_with=prefix, include=["metadata"])}
        except ResourceNotFoundError:
            return {}

    def read(self, container, name):
        return self.service().get_blob_client(container, name).download_blob().readall()

    def tags(self):
        """'container/name' to what changes whenever the blob does."""
        return {f"{container}/{name}": blob.etag for container in self.containers()
                for name, blob in self.blobs(container).items()}

    def everything(self):
        """'container/name' to bytes, of the whole account."""
        return {f"{container}/{name}": self.read(container, name)
                for container in self.containers() for name in self.blobs(container)}

    # -- secrets --

    def key_file(self, key=None, folder=None):
        path = Path(folder or Folder().path) / "storage.key"
        path.touch(0o600)
        path.write_text(key or self.keys[0])
        return path

    def account_sas(self, permission="rwdlac", last=1.0, services="b", types="sco", **more):
        return generate_account_sas(self.account, self.keys[0], ResourceTypes.from_string(types),
                                    AccountSasPermissions.from_string(permission), expiry=hours(last),
                                    start=hours(-1), services=services, **more)

    def container_sas(self, container, permission="racwdl", last=1.0, delegation=None):
        secret = {"user_delegation_key": delegation} if delegation else {"account_key": self.keys[0]}
        return generate_container_sas(self.account, container, permission=ContainerSasPermissions.from_string(permission),
                                      expiry=hours(last), start=hours(-1), **secret)


def md5s(weir, table):
    """The same of a lake in a folder."""
    return {str(blob.relative_to(weir.lake)): hashlib.md5(blob.read_bytes()).hexdigest() for blob in weir.blobs(table)}


class CloudWeir(Weir):
    """One user whose lake is Azurite's account, or `address`. settings: as WEIR_... variables have them; without any, the
    account's key, by a file."""

    def __init__(self, emulator, azurite, address=None, settings=None):
        super().__init__()
        self.emulator, self.azurite, self.lake = emulator, azurite, address or azurite.url
        self.settings = {"WEIR_STORAGE_KEY": f"file:{azurite.key_file(folder=self.folder)}"} if settings is None else settings
        if azurite.tls:
            self.settings = {"WEIR_CA_FILE": str(azurite.tls.ca), **self.settings}
        self.ok("init", "--from-emulator", emulator.ready, "--lake", self.lake)

    def run(self, *words, env=None, input=None):
        return super().run(*words, env={**self.settings, **(env or {})}, input=input)

    def start(self, *words, env=None):
        return super().start(*words, env={**self.settings, **(env or {})})

    # -- what is there, by azure-storage-blob, under the names that a folder would have --

    def names(self, pattern):
        container, _, folder = self.root().partition("/")
        return {f"{c}/{name}".removeprefix(self.root()): properties
                for c in ([container] if container else self.azurite.containers())
                for name, properties in self.azurite.blobs(c, folder).items() if re.search(pattern, f"{c}/{name}")}

    def root(self):
        """Container and folder of an address of one container: 'lake/folder/'."""
        behind = self.lake.split(self.azurite.account, 1)[1].strip("/") if "://127" in self.lake else ""
        return f"{behind}/" if behind and not behind.startswith("am-") else ""

    def bytes_of(self, name):
        container, blob = (self.root() + name).split("/", 1)
        return self.azurite.read(container, blob)

    def md5s(self, table):
        """Of the export's blobs, as the account has them."""
        pattern = f"am-{table.lower().replace('_', '-')}/.*/PT05M_weir(_\\d+)?\\.json$"
        return {name: bytes(blob.content_settings.content_md5).hex() for name, blob in self.names(pattern).items()}

    def ledger(self, table):
        """The latest line of each partition."""
        lines = {}
        for name in sorted(self.names(f"weir/[^/]*/{table.lower().replace('_', '-')}/ledger/")):
            for text in self.bytes_of(name).splitlines()[1:-1]:
                line = json.loads(text)
                lines[line["partition"]] = line
        return lines

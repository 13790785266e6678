"""A server that stands before Azurite and disturbs: it sees each request, and may let it pass, answer in its place, or
lose it on the way, before or after Azurite did what was asked.

    proxy = Proxy(azurite)
    proxy.rule = lambda request: Answer(503, "ServerBusy", {"Retry-After": "1"}) if request.kind == "put" else None

Rules run on the proxy's own thread, one request at a time. Requests are counted by kind (`Request.kind`).
"""
import asyncio
import collections
import random
import threading
import urllib.parse
from xml.sax.saxutils import escape

BODY_MAX = 64 << 20
PUT_KINDS = {"block": "block", "blocklist": "block list", "appendblock": "append", "lease": "lease",
             "metadata": "metadata", "tier": "tier", "properties": "properties"}


class Request:
    """One request: `kind` is put, block, block list, append, get, head, list, delete, lease, container ..."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = {k.lower(): v for k, v in urllib.parse.parse_qsl(parts.query, keep_blank_values=True)}
        names = urllib.parse.unquote(parts.path).lstrip("/").split("/", 2)
        self.account, self.container, self.blob = (*names, "", "")[:3]
        self.kind = self._kind()

    def _kind(self):
        comp = self.query.get("comp")
        if comp == "list":
            return "list" if self.query.get("restype") == "container" else "list containers"
        if self.query.get("restype") in ("container", "service"):
            return {"PUT": "create container", "DELETE": "delete container"}.get(self.method, "container")
        if self.method == "PUT":
            return PUT_KINDS.get(comp, "put") if comp else "put"
        return self.method.lower()

    def header(self, name):
        return self.headers.get(name.lower(), "")


class Answer:
    """An answer in Azurite's place, as the service words its errors."""

    def __init__(self, status, code="", headers=None, message=None, body=None):
        self.status, self.code, self.headers = status, code, headers or {}
        text = message or "Played by the test."
        xml = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>'
        self.body = body if body is not None else xml.encode() if code else b""


class Pass:
    """To Azurite and back: `wait` seconds before, `change(status, headers, body)` of the answer, `lose` it after Azurite
    did what was asked, or `cut` it after so many bytes of its body."""

    def __init__(self, wait=0.0, change=None, lose=False, cut=None):
        self.wait, self.change, self.lose, self.cut = wait, change, lose, cut


class Reset:
    """The connection closes before Azurite hears of it."""


def end(loop, thread):
    """Ends what still runs on a loop, and the loop."""
    async def cancel():
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
    asyncio.run_coroutine_threadsafe(cancel(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


class Proxy:
    def __init__(self, azurite, rule=None):
        self.azurite, self.rule, self.requests = azurite, rule, []
        self.counts, self._server, self.port = collections.Counter(), None, 0
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()
        self.url = f"http://127.0.0.1:{self.port}/{azurite.account}"

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def listen(self):
        self._do(self._listen())

    async def _listen(self):
        self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self):
        """From now on nobody listens, until listen()."""
        self._do(self._close())

    async def _close(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def stop(self):
        self.refuse()
        end(self._loop, self._thread)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def seen(self, *kinds):
        return [r for r in self.requests if r.kind in kinds]

    def forget(self):
        self.requests.clear()
        self.counts.clear()

    # -- the wire --

    async def _client(self, reader, writer):
        upstream = []
        self._writers.add(writer)
        try:
            while request := await self._read_request(reader, writer):
                if not await self._handle(request, writer, upstream):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            for _, stream in upstream:
                stream.transport.abort()

    @staticmethod
    async def _read_head(reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return head[0], headers

    async def _read_request(self, reader, writer):
        try:
            line, headers = await self._read_head(reader)
        except asyncio.IncompleteReadError:
            return None
        method, target, _ = line.split(" ", 2)
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = int(headers.get("content-length", 0))
        assert size <= BODY_MAX and "transfer-encoding" not in headers
        return Request(method, target, headers, await reader.readexactly(size))

    async def _handle(self, request, writer, upstream):
        self.requests.append(request)
        self.counts[request.kind] += 1
        act = self.rule(request) if self.rule else None
        if isinstance(act, Reset):
            writer.transport.abort()
            return False
        if isinstance(act, Answer):
            return await self._answer(request, writer, act.status, act.headers, act.body, act.code)
        act = act or Pass()
        if act.wait:
            await asyncio.sleep(act.wait)
        status, headers, body = await self._ask(request, upstream)
        if act.lose:
            writer.transport.abort()
            return False
        status, headers, body = self._as_the_service(status, headers, body)
        if act.change:
            status, headers, body = act.change(status, headers, body)
        return await self._answer(request, writer, status, headers, body, cut=act.cut)

    async def _ask(self, request, upstream):
        """Azurite's answer, on a connection that is kept with the client's."""
        for attempt in (1, 2):
            if not upstream:
                upstream.append(await asyncio.open_connection("127.0.0.1", self.azurite.port, limit=1 << 20))
            reader, writer = upstream[0]
            try:
                headers = {k: v for k, v in request.headers.items() if k not in ("expect", "connection")}
                lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
                return await self._read_answer(request, reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                writer.transport.abort()
                upstream.clear()
                if attempt == 2:
                    raise
        return None

    @staticmethod
    def _as_the_service(status, headers, body):
        """Azurite says AuthorizationFailure, the code of a firewall, of a signature that is wrong."""
        if status == 403 and b"failed to authenticate" in body:
            headers = {**headers, "x-ms-error-code": "AuthenticationFailed"}
            body = body.replace(b"<Code>AuthorizationFailure<", b"<Code>AuthenticationFailed<")
        return status, headers, body

    async def _read_answer(self, request, reader):
        line, headers = await self._read_head(reader)
        status = int(line.split(" ")[1])
        body = b""
        if request.method != "HEAD" and status not in (204, 304):
            if headers.pop("transfer-encoding", "") == "chunked":
                while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                    body += (await reader.readexactly(size + 2))[:-2]
                await reader.readuntil(b"\r\n")
            else:
                body = await reader.readexactly(int(headers.get("content-length", 0)))
        for name in ("connection", "keep-alive"):
            headers.pop(name, None)
        return status, headers, body

    async def _answer(self, request, writer, status, headers, body, code="", cut=None):
        lines = [f"HTTP/1.1 {status} Played", *(f"{k}: {v}" for k, v in headers.items() if k.lower() != "content-length")]
        if code:
            lines += [f"x-ms-error-code: {code}", "Content-Type: application/xml"]
        length = headers.get("content-length", len(body)) if request.method == "HEAD" else len(body)
        if status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        sent = b"" if request.method == "HEAD" else body
        if cut is not None and sent:
            writer.write(head + sent[:min(cut, len(sent) - 1)])
            await writer.drain()
            writer.close()
            return False
        writer.write(head + sent)
        await writer.drain()
        return True


# -- what it plays --

BUSY = Answer(503, "ServerBusy", {"Retry-After": "1"}, "The server is busy.")
TIMED_OUT = Answer(500, "OperationTimedOut", {}, "Operation could not be completed within the permitted time.")


class Misfortune:
    """A rule: so many of the requests meet one of `kinds`, drawn from the seed."""

    KINDS = ("reset", "busy", "timed out", "cut", "slow", "lost", "busy without a word")

    def __init__(self, seed, share, kinds=KINDS):
        self.chance, self.share, self.kinds = random.Random(seed), share, kinds
        self.met = collections.Counter()

    def __call__(self, request):
        if self.chance.random() >= self.share:
            return None
        kind = self.chance.choice(self.kinds)
        self.met[kind] += 1
        return {"reset": Reset, "busy": lambda: BUSY, "timed out": lambda: TIMED_OUT, "lost": lambda: Pass(lose=True),
                "busy without a word": lambda: Answer(503, "ServerBusy"),
                "cut": lambda: Pass(cut=self.chance.randrange(2000)),
                "slow": lambda: Pass(wait=self.chance.uniform(0, 0.3))}[kind]()


class Immutable:
    """A rule: the containers (all of them, or those named) have a time policy or a legal hold: what is there is neither
    replaced, changed nor removed. Appending stays allowed, as the service's own export needs it."""

    CHANGES = ("put", "block list", "metadata", "properties", "tier", "delete")

    def __init__(self, azurite, containers=None, legal_hold=False):
        self.azurite, self.names, self.refused = azurite, containers, []
        self.header = "x-ms-has-legal-hold" if legal_hold else "x-ms-has-immutability-policy"

    def holds(self, container):
        return self.names is None or container in self.names

    def _tell(self, status, headers, body):
        headers = {**headers, "x-ms-has-immutability-policy": "false", "x-ms-has-legal-hold": "false", self.header: "true"}
        return status, headers, body

    def _there(self, request):
        return self.azurite.service().get_blob_client(request.container, request.blob).exists()

    def __call__(self, request):
        if not self.holds(request.container):
            return None
        if request.kind == "container":
            return Pass(change=self._tell)
        if request.kind == "delete container" or (request.kind in self.CHANGES and self._there(request)):
            if request.header("If-None-Match") == "*":
                return None  # Azurite refuses it itself: the name is taken
            self.refused.append((request.kind, request.container, request.blob))
            return Answer(409, "BlobImmutableDueToPolicy", {},
                          "This operation is not permitted as the blob is immutable due to a policy.")
        return None


class Revoked:
    """A rule: what is signed with this key is refused, as after a rotation. The signature is made by Microsoft's client."""

    def __init__(self, account, key):
        from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
        self.policy, self.refused = SharedKeyCredentialPolicy(account, key), 0

    def _signature(self, request):
        class Carrier:
            http_request = type("Http", (), {"method": request.method, "headers": dict(request.headers),
                                             "url": "http://127.0.0.1" + request.path, "query": request.query})
            context = type("Context", (), {"transport": None})
        Carrier.http_request.headers.pop("authorization", None)
        self.policy.on_request(Carrier)
        return Carrier.http_request.headers["Authorization"]

    def __call__(self, request):
        if self._signature(request) != request.header("Authorization"):
            return None
        self.refused += 1
        return Answer(403, "AuthenticationFailed", {}, "Server failed to authenticate the request. Make sure the value of "
                      "Authorization header is formed correctly including the signature.")


class Tunnel:
    """A company's proxy: CONNECT to any host leads to one port of loopback; with `password`, only for who knows it."""

    def __init__(self, port, password=None):
        self.to, self.password, self.asked, self._loop = port, password, [], asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._client, "127.0.0.1", 0), self._loop)
        self._server = started.result(30)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._server.close)
        end(self._loop, self._thread)

    async def _client(self, reader, writer):
        try:
            line, headers = await Proxy._read_head(reader)
            self.asked.append(line)
            if self.password and headers.get("proxy-authorization") != self.password:
                writer.write(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy.contoso"'
                             b"\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to)
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await asyncio.gather(self._pump(reader, up_writer), self._pump(up_reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _pump(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

"""Requests to other nodes for files that they store: forwards uploads, and reads finished files.

Bytes are streamed, over one connection per request. Backpressure reaches through: when a client does not read, the
other node stops writing, so this node holds only a chunk or two per request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from urllib.parse import urlencode

import httptools

from talkwire.core.domain.nodes.peer import Peer
from talkwire.files.holders import ForwardedAnswer, ForwardedRequest, HolderAway
from talkwire.files.tus import TusRefusal
from talkwire.realtime.forwarding.forwarder import header_lines
from talkwire.realtime.forwarding.peer_auth import HEADER, REFUSED, ForwardedHead, PeerAuth
from talkwire.realtime.forwarding.peer_http import CONNECT_S, PeerConnectionBroken, place_of
from talkwire.realtime.forwarding.session_owners import SessionOwners
from talkwire.realtime.metrics import RealtimeMetrics

STORED = "/stored/"
"""Path below which nodes read each other's finished files (`stored_files.py`)."""

FORWARDED_BYTES = 64 * 1024
"""Number of bytes of a file that are passed on at once."""

ANSWER_MAX = 256 * 1024
"""Largest body of a response to a forwarded upload request, in bytes: it is empty or describes an error."""

GONE_AFTER_S = 60.0
"""Seconds that clients are asked to wait for a node that holds their upload, since it may be restarting."""

UPLOAD_LINGER_S = 5.0
"""Seconds that another node may take to read what a client had sent before it disconnected: these bytes count for the
upload.
"""

_REFUSED = REFUSED.partition(b":")[0].decode()
_MISSING = 404


class FileForwarding:
    """Forwards requests for uploads to the nodes that hold the uploads, and reads finished files from other nodes, over
    HTTP; implements `files.holders.Holders`. `now` returns the time in seconds of a monotonic clock.
    """

    def __init__(
        self, owners: SessionOwners, link: PeerAuth, metrics: RealtimeMetrics, now: Callable[[], float]
    ) -> None:
        self._owners = owners
        self._link = link
        self._metrics = metrics
        self._now = now
        self._missing_since: dict[str, float] = {}
        """Times since which no living node has had a folder, by the folder's id."""
        self._open: dict[_Exchange, str] = {}

    def note_living(self, peers: Iterable[Peer]) -> None:
        """Records that the file folders of these nodes are available again: an upload in such a folder is not refused
        as gone. Call it with all other living nodes each time the leases were read.
        """
        if not self._missing_since:
            return
        for peer in peers:
            if peer.address:
                for folder_id in peer.folder_ids:
                    self._missing_since.pop(folder_id, None)

    def drop(self, node_ids: Iterable[str]) -> None:
        """Aborts the running requests to the nodes `node_ids`, which are dead. The calls that wait for their responses
        raise an error at once, as for a node that is unreachable.
        """
        gone = frozenset(node_ids)
        for exchange in [exchange for exchange, node_id in self._open.items() if node_id in gone]:
            exchange.abort()

    def close(self) -> None:
        """Aborts all running requests to other nodes."""
        for exchange in list(self._open):
            exchange.abort()

    # --- finished files ---------------------------------------------------------------------------------------------

    async def total(self, folder_id: str | None, key: str) -> int:
        exchange = await self._find("HEAD", folder_id, f"{STORED}{key}?")
        exchange.close()
        return int(exchange.headers.get("content-length", "0"))

    async def read(self, folder_id: str | None, key: str, start: int, end: int) -> FileStream:
        query = urlencode({"start": start, "end": end})
        return FileStream(await self._find("GET", folder_id, f"{STORED}{key}?{query}"))

    async def _find(self, method: str, folder_id: str | None, target: str) -> _Exchange:
        """Requests the path and query `target` from the other node that has the folder `folder_id`, or if that is None,
        from each node with file folders in turn. Returns the first response with status 200, with its body still to be
        read; the caller closes it.

        Raises FileNotFoundError if the node with the folder does not have the file, HolderAway if no living node
        has the folder, or that node is unreachable or cannot read the file. With the `folder_id` None, raises
        HolderAway if no node returns the file.
        """
        named = None if folder_id is None else await self._owners.with_folder(folder_id)
        if folder_id is not None and named is None:
            raise HolderAway("The node that holds this file is not running. Try again later.")
        for peer in self._owners.with_folders() if named is None else (named,):
            with contextlib.ExitStack() as ending:
                try:
                    exchange = await self._begin(peer, ForwardedHead(method, target, "-", "", ""), ())
                    ending.callback(exchange.abort)
                    await exchange.read_head()
                except PeerConnectionBroken:
                    self._metrics.broken_links += 1
                    if named is None:
                        continue
                    raise HolderAway("The node that holds this file does not answer. Try again later.") from None
                if exchange.status == 200:
                    ending.pop_all()
                    self._metrics.forwarded_files += 1
                    return exchange
                if named is not None and exchange.status != _MISSING:
                    raise HolderAway("The node that holds this file cannot read it. Try again later.")
        if named is None:
            raise HolderAway("No running node has this file. Try again later.")
        raise FileNotFoundError(target)

    # --- uploads ----------------------------------------------------------------------------------------------------

    async def forward(self, folder_id: str, request: ForwardedRequest, body: AsyncIterator[bytes]) -> ForwardedAnswer:
        peer = await self._owners.with_folder(folder_id)
        if peer is None:
            self._refuse_what_is_gone(folder_id)
            raise HolderAway("The node that holds this upload is not running. Resume the upload when it is back.")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        forwarded = ForwardedHead.of(request.method, request.target, request.address, headers)
        try:
            exchange = await self._begin(peer, forwarded, request.headers)
            try:
                answer = await _exchanged(exchange, body)
            finally:
                exchange.close()
        except PeerConnectionBroken:
            self._metrics.broken_links += 1
            raise HolderAway("The node that holds this upload does not answer. Resume the upload.") from None
        self._metrics.forwarded_uploads += 1
        return answer

    def _refuse_what_is_gone(self, folder_id: str) -> None:
        """Raises TusRefusal with status 410, so that the client restarts the upload, if the upload's file folder is
        gone: more than GONE_AFTER_S seconds have passed since the first call for the folder, and no living node has had
        it meanwhile.
        """
        now = self._now()
        if now - self._missing_since.setdefault(folder_id, now) > GONE_AFTER_S:
            raise TusRefusal(410, "not_found", "The node that holds this upload is gone. Start the upload again.")

    # --- for uploads and files --------------------------------------------------------------------------------------

    async def _begin(self, peer: Peer, request: ForwardedHead, headers: Iterable[tuple[bytes, bytes]]) -> _Exchange:
        """Connects to another node and sends the head of a request, sealed for that node. Raises
        PeerConnectionBroken.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(*place_of(peer.address or ""), limit=FORWARDED_BYTES)
        except (OSError, ValueError) as error:
            raise PeerConnectionBroken from error
        exchange = _Exchange(request.method, reader, writer, self._forget)
        self._open[exchange] = peer.node_id
        exchange.send_head(request, headers, self._link.seal(request, peer.node_id))
        return exchange

    def _forget(self, exchange: _Exchange) -> None:
        self._open.pop(exchange, None)


async def _exchanged(exchange: _Exchange, body: AsyncIterator[bytes]) -> ForwardedAnswer:
    """Sends a request's body and returns the response, which may come before the end of the body.

    Raises PeerConnectionBroken, and whatever the iterator `body` raises.
    """
    sending = asyncio.ensure_future(exchange.send_body(body))
    answering = asyncio.ensure_future(exchange.read_all())
    try:
        await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and not answering.done():
            sending.result()
        return await answering
    finally:
        sending.cancel()
        answering.cancel()
        await asyncio.wait((sending, answering))
        for task in (sending, answering):
            if not task.cancelled():
                task.exception()  # retrieves the exception that is not raised, so that asyncio does not log it


class _Exchange:
    """One HTTP request to another node and its response, over a connection of its own. Call `close` after the response
    was read, or `abort` instead. `on_close` is called once with this object.
    """

    def __init__(
        self,
        method: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_close: Callable[[_Exchange], None],
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._method = method
        self._reader = reader
        self._writer = writer
        self._on_close = on_close
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._chunks: deque[bytes] = deque()
        self._has_head = False
        self._is_complete = False

    # --- the request ------------------------------------------------------------------------------------------------

    def send_head(self, request: ForwardedHead, headers: Iterable[tuple[bytes, bytes]], seal: str) -> None:
        lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
        lines += header_lines(headers)
        lines += [b"connection: close", f"{HEADER}: {seal}".encode("latin-1")]
        if request.method not in {"GET", "HEAD"}:
            lines.append(b"transfer-encoding: chunked")
        self._writer.write(b"\r\n".join([*lines, b"", b""]))

    async def send_body(self, body: AsyncIterator[bytes]) -> None:
        """Sends the request's body, each chunk after the other node has read enough of the previous ones. Returns early
        if that node accepts no more.
        """
        async for chunk in body:
            try:
                self._writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await self._writer.drain()
            except OSError:
                return  # the response says why, if there is one
        if self._method not in {"GET", "HEAD"}:
            self._writer.write(b"0\r\n\r\n")

    # --- the response -----------------------------------------------------------------------------------------------

    async def read_head(self) -> None:
        """Reads the status and headers of the response. Raises PeerConnectionBroken, also if the other node refuses the
        request's seal.
        """
        while not self._has_head:  # Suspends: once the bytes that have arrived are parsed.
            await self._feed()
        if _REFUSED in self.headers:
            raise PeerConnectionBroken

    async def read_chunk(self) -> bytes:
        """Returns the next bytes of the response's body; empty bytes at its end. Call `read_head` before. Raises
        PeerConnectionBroken.
        """
        while not self._chunks:  # Suspends: once the bytes that have arrived are parsed.
            if self._is_complete:
                return b""
            await self._feed()
        return self._chunks.popleft()

    async def read_all(self) -> ForwardedAnswer:
        await self.read_head()
        body = bytearray()
        while chunk := await self.read_chunk():  # Suspends: once the bytes that have arrived are read.
            body += chunk
            if len(body) > ANSWER_MAX:
                raise PeerConnectionBroken
        return ForwardedAnswer(self.status, self.headers, bytes(body))

    async def _feed(self) -> None:
        try:
            data = await self._reader.read(FORWARDED_BYTES)
        except OSError as error:
            raise PeerConnectionBroken from error
        if not data or self._parser is None:
            raise PeerConnectionBroken
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise PeerConnectionBroken from error

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        self._has_head = True
        # The parser does not know that the response to HEAD has no body.
        self._is_complete = self._method == "HEAD"

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        self._is_complete = True

    # --- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Closes the connection after sending the queued bytes, which may take at most UPLOAD_LINGER_S seconds."""
        if self._parser is None:
            return
        self._parser = None  # breaks a reference cycle
        self._on_close(self)
        self._writer.close()
        transport = self._writer.transport
        if transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(UPLOAD_LINGER_S, transport.abort)

    def abort(self) -> None:
        """Closes the connection at once, without sending the queued bytes."""
        self.close()
        self._writer.transport.abort()


class FileStream:
    """An async iterator over the bytes of a range of a finished file on another node; implements
    `files.holders.Reading`.
    """

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> FileStream:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._exchange.read_chunk()
        except PeerConnectionBroken:
            raise HolderAway("The node that holds this file has stopped answering.") from None
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Aborts the connection to the other node, which then stops reading the file."""
        self._exchange.abort()

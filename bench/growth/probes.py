"""Defines the requests whose duration the growth benchmark measures, as one client sends them over HTTP and
WebSocket.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from websockets.sync.client import ClientConnection, connect

from bench.dataset import token
from bench.growth.fill import AUTHOR, READER, TALK
from bench.servers import Running, ServerFailedError

REPEATS = 20
LONG_ENOUGH_S = 2.0
"""A probe that took this long is not repeated any more."""


@dataclass(frozen=True)
class Client:
    """The connections of the measured users: the reader's HTTP connection, and the author's socket."""

    server: Running
    http: http.client.HTTPConnection
    socket: ClientConnection
    newest_id: int

    def get(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        """Sends a GET request as the reader to a path below `/api/v1`, and returns the decoded JSON response."""
        return _get(self.http, path)

    def send(self) -> None:
        """Sends a message as the author to the reader's conversation, and waits for the acknowledgement."""
        content = "message about as long as people write when they talk"
        packet = msgspec.json.encode(["message:send", {"conversationId": TALK, "content": content}]).decode()
        self.socket.send(f"421{packet}")
        while not (received := _received(self.socket)).startswith("431"):
            pass
        if '"success":true' not in received:
            raise ServerFailedError(f"message:send: {received[:300]}")

    def join(self) -> None:
        """Connects a socket of the reader, and closes it."""
        with _joined(self.server, READER):
            pass


Ask = Callable[[Client], object]


@dataclass(frozen=True)
class Probe:
    """A kind of request whose duration is measured. `ask` sends it and waits for the response."""

    name: str
    ask: Ask


def _route(path: str) -> Ask:
    return lambda client: client.get(path)


def _search(words: str) -> Ask:
    return _route(f"/search?q={words}")


def _middle(client: Client) -> object:
    """Requests a page in the middle of the reader's conversation. Its messages must be consecutive in the log of
    events.
    """
    count = client.get(f"/conversations/{TALK}/messages?limit=1")["items"][0]["seq"]
    return client.get(f"/conversations/{TALK}/messages?before={client.newest_id - count // 2}")


def _events(client: Client) -> object:
    epoch, _, pos = client.get("/sync?limit=1")["cursor"].rpartition("-")
    return client.get(f"/sync?after={epoch}-{int(pos) - 50}")


JOIN = Probe("connect: from TCP to the CONNECT answer", Client.join)
SEND = Probe("send a message, until the ack", Client.send)
LIST = Probe("list of conversations (50)", _route("/conversations"))
OPEN = Probe("one conversation with its members", _route(f"/conversations/{TALK}"))
NEWEST = Probe("newest 50 messages", _route(f"/conversations/{TALK}/messages"))
MIDDLE = Probe("50 messages in the middle", _middle)
STATE = Probe("sync: the state", _route("/sync"))
EVENTS = Probe("sync: the last 50 events", _events)
SEARCH_COMMON = Probe("search: a word of every message", _search("message"))
SEARCH_BEGINNING = Probe("search: two letters, words of every message", _search("wo"))
SEARCH_SELDOM = Probe("search: two letters, one message in 1,000", _search("ra"))
SEARCH_ONE = Probe("search: a word of one message", _search("needle"))
SEARCH_STRANGERS = Probe("search: a word that only strangers write", _search("elsewhere"))
SEARCH_STRANGERS_BEGINNING = Probe("search: two letters, 5,000 words of strangers", _search("el"))
USERS = Probe("search users by name", _route("/users?query=name%2012"))
USER = Probe("one user", _route(f"/users/{AUTHOR}"))


@contextmanager
def client_of(server: Running) -> Iterator[Client]:
    """Connects the reader over HTTP and the author over WebSocket to a server until the block ends."""
    with ExitStack() as stack:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        stack.callback(connection.close)
        newest = _get(connection, f"/conversations/{TALK}/messages?limit=1")["items"]
        newest_id = int(newest[0]["id"]) if newest else 0
        yield Client(server, connection, stack.enter_context(_joined(server, AUTHOR)), newest_id)


def median_ms(probe: Probe, client: Client) -> float:
    """Repeats a request up to 20 times and returns its median duration in milliseconds.

    The first request, which fills caches, is not counted.
    """
    began = time.monotonic()
    probe.ask(client)
    waited: list[float] = []
    while not waited or (len(waited) < REPEATS and time.monotonic() - began < LONG_ENOUGH_S):
        start = time.perf_counter()
        probe.ask(client)
        waited.append((time.perf_counter() - start) * 1000)
    return statistics.median(waited)


def _get(connection: http.client.HTTPConnection, path: str) -> Any:  # noqa: ANN401 (JSON)
    headers = {"Authorization": f"Bearer {_token(READER)}"}
    try:
        connection.request("GET", f"/api/v1{path}", headers=headers)
        answer = connection.getresponse()
    except http.client.RemoteDisconnected:  # idle for too long
        connection.close()
        connection.request("GET", f"/api/v1{path}", headers=headers)
        answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ServerFailedError(f"GET {path}: {answer.status} {body[:300]!r}")
    return msgspec.json.decode(body)


@contextmanager
def _joined(server: Running, user: str) -> Iterator[ClientConnection]:
    url = f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket"
    with connect(url, compression=None, proxy=None, max_size=None) as socket:
        socket.send(f'40{{"token":"{_token(user)}"}}')
        while not (received := _received(socket)).startswith("40{"):
            if received.startswith("44"):
                raise ServerFailedError(f"CONNECT: {received[:300]}")
        yield socket


def _received(socket: ClientConnection) -> str:
    """Returns the next packet from a socket, and answers the heartbeats before it."""
    while (received := str(socket.recv(timeout=60))) == "2":
        socket.send("3")
    return received


_tokens: dict[str, str] = {}


def _token(user: str) -> str:
    if user not in _tokens:
        _tokens[user] = token(user)
    return _tokens[user]

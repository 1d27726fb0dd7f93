"""A user of a Matrix server, who signs in with a JWT, receives messages by /sync and sends messages.

The paths and bodies are those of Matrix's client-server API (https://spec.matrix.org/v1.11/client-server-api/).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from bench.matrix.connection import Connection, request

SERVER_NAME = "localhost"
API = "/_matrix/client/v3"
MESSAGE_PREFIX = "Shall we meet at the usual place by the river? "

DEVICE = "bench"
"""The device of every sign-in. A user with a new device for each sign-in would cost the server more: it would store
the device, and announce it to everybody who shares a room with the user.
"""

# Quotation marks are escaped inside of JSON strings, so no text of a user can look like a member's name.
_NUMBER = re.compile(re.escape(MESSAGE_PREFIX).encode() + rb"(\d{12})")
_NEXT_BATCH = re.compile(rb'"next_batch": ?"([^"]+)"')
_ACCESS_TOKEN = re.compile(rb'"access_token": ?"([^"]+)"')
_ROOM_ID = re.compile(rb'"room_id": ?"([^"]+)"')

OnMessages = Callable[["Client", list[int]], None]
"""Receives the numbers of the messages of one /sync answer."""


class RefusedError(Exception):
    """Raised if the server refuses a request that it should accept."""


@dataclass(frozen=True)
class Account:
    """What a client needs to sign in and to talk: where the server is, who it is, and its conversation's name.

    `source` is the client's own address.
    """

    host: str
    port: int
    source: str
    jwt: str
    conversation: str


class Client:
    """A user with one connection for /sync and, if it sends messages, one for each of the `in_flight` under way.

    A server answers the requests of one connection one after the other, so that it could not store messages together.
    A long poll without a message ends after `poll_s` seconds and begins again.
    """

    def __init__(self, account: Account, in_flight: int, poll_s: int, on_messages: OnMessages) -> None:
        self._account = account
        # As many messages as both members of a conversation may have under way, twice.
        self._timeline = 4 * in_flight
        self._poll_s = poll_s
        self._on_messages = on_messages
        self._receiving = Connection()
        self._sending = [Connection() for _ in range(in_flight)]
        self._access_token = ""
        self._room = ""
        self._poll_start = self._poll_end = b""

    async def sign_in(self) -> bytes:
        """Connects, signs in and gets up to date with a first /sync. Returns the token from where /sync continues."""
        self._receiving = await self._connect()
        login = {"type": "org.matrix.login.jwt", "token": self._account.jwt, "device_id": DEVICE}
        body = await _fetch(self._receiving, request("POST", f"{API}/login", body=json.dumps(login).encode()))
        self._access_token = _found(_ACCESS_TOKEN, body).decode()
        # Lazy loading spares the server the names of all members in the first answer, and costs it more in later ones.
        path = f"{_sync_path(1, lazy=True)}&timeout=0"
        return _found(_NEXT_BATCH, await _fetch(self._receiving, request("GET", path, self._access_token)))

    def follow(self, since: bytes) -> None:
        """Receives messages by long polls from now on."""
        path = f"{_sync_path(self._timeline, lazy=False)}&timeout={self._poll_s * 1000}&since="
        self._poll_start, self._poll_end = request("GET", f"{path}\0", self._access_token).split(b"\0")
        self._poll(since)

    async def prepare_to_send(self) -> None:
        """Opens the connections for messages. The server closes connections on which nothing was sent for long."""
        self._sending = [each if each.is_open else await self._connect() for each in self._sending]
        if not self._room:
            alias = quote(f"#{self._account.conversation}:{SERVER_NAME}")
            answer = await _fetch(self._sending[0], request("GET", f"{API}/directory/room/{alias}"))
            self._room = quote(_found(_ROOM_ID, answer).decode())

    def send(self, number: int, on_answer: Callable[[int], None]) -> None:
        """Sends the message with a number, which must be new, and calls `on_answer` with the status of the answer."""
        path = f"{API}/rooms/{self._room}/send/m.room.message/{number}"
        body = b'{"msgtype":"m.text","body":"%s%012d"}' % (MESSAGE_PREFIX.encode(), number)
        # Messages can arrive before the sends are answered, so more may be under way than there are connections.
        connection = next((each for each in self._sending if not each.is_waiting), self._sending[0])
        connection.ask(request("PUT", path, self._access_token, body), lambda status, _: on_answer(status))

    def close(self) -> None:
        """Closes all connections."""
        self._receiving.close()
        for connection in self._sending:
            connection.close()

    def _poll(self, since: bytes) -> None:
        self._receiving.ask(self._poll_start + since + self._poll_end, self._on_sync)

    def _on_sync(self, status: int, body: bytes) -> None:
        _check(status, body)
        self._poll(_found(_NEXT_BATCH, body))
        numbers = [int(number) for number in _NUMBER.findall(body)]
        if numbers:
            self._on_messages(self, numbers)

    async def _connect(self) -> Connection:
        account = self._account
        loop = asyncio.get_running_loop()
        source = (account.source, 0)
        _, connection = await loop.create_connection(Connection, account.host, account.port, local_addr=source)
        return connection


def _sync_path(timeline: int, *, lazy: bool) -> str:
    """Returns the path of a /sync that asks for nothing but the newest messages of each room."""
    nothing: dict[str, list[str]] = {"types": []}
    state = nothing | ({"lazy_load_members": True} if lazy else {})
    room = {"timeline": {"limit": timeline}, "state": state, "ephemeral": nothing, "account_data": nothing}
    wanted = {"room": room, "presence": nothing, "account_data": nothing}
    return f"{API}/sync?set_presence=offline&filter={quote(json.dumps(wanted, separators=(',', ':')))}"


async def _fetch(connection: Connection, question: bytes) -> bytes:
    answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    connection.ask(question, lambda status, body: answer.set_result((status, body)))
    status, body = await answer
    _check(status, body)
    return body


def _check(status: int, body: bytes) -> None:
    if status != 200:
        raise RefusedError(f"{status}: {body[:500]!r}")


def _found(pattern: re.Pattern[bytes], body: bytes) -> bytes:
    found = pattern.search(body)
    if found is None:
        raise RefusedError(f"an answer without {pattern.pattern!r}: {body[:500]!r}")
    return found[1]

"""Sends parcels (batches of messages between nodes) by PostgreSQL's LISTEN and NOTIFY, for nodes without Redis. The
channel is named after the database's log.

A notification holds a text of less than 8,000 bytes, so a parcel is sent as several notifications in one transaction.
Uses two connections of its own, so that it never waits for the thread that writes the chat, or delays that thread.
PostgreSQL keeps notifications only until all listeners have received them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import psycopg
from psycopg.errors import Diagnostic

from talkwire.bus.carried import BUS_ANSWER_S, Published

R = TypeVar("R")

Connection = psycopg.AsyncConnection[tuple[object, ...]]

OWN_PARAMETERS = {"connect_timeout": "3", "fallback_application_name": "talkwire"}
"""Connection parameters of the bus beside those of the database's address."""

NOTIFICATION_BYTES = 5_900
"""Bytes of a parcel in one notification; as base64, with the words before them, they are less than 8,000."""

PARCEL_NOTIFICATIONS_MAX = 400
"""Most notifications of one parcel. A parcel holds 1 MiB of messages, and one message of 1 MiB in addition."""

# A notification that is lost in a crash of the database is not worth waiting for its disk. Older versions of PostgreSQL
# lack some of the settings. A pooler would drop them from the parameters of the connection.
_SET = """
SELECT set_config(name, setting, false)
FROM (VALUES ('synchronous_commit', 'off'), ('lock_timeout', '1000'), ('statement_timeout', '5000'),
      ('idle_session_timeout', '0'), ('transaction_timeout', '0')) AS wanted (name, setting)
WHERE current_setting(name, true) IS NOT NULL
"""

_NOTIFY = "SELECT pg_notify(%s, chunk) FROM unnest(%s::text[]) AS chunk"


class PostgresTransport:
    """Sends and receives parcels (batches of messages between nodes) by NOTIFY and LISTEN. Implements
    `carried.BusTransport`. `parameters` are libpq's connection parameters, OWN_PARAMETERS among them. `connecting_s`
    is within how many seconds one of their hosts has to accept a connection; None without a limit.
    """

    # Reading the log is cheaper than sending events through the same database a second time.
    includes_events = False
    announcements = None
    dispatch_max = 1 << 20
    failures: tuple[type[Exception], ...] = (psycopg.Error, OSError, TimeoutError)

    def __init__(self, parameters: Mapping[str, str], connecting_s: float | None, log: str) -> None:
        self._conninfo = psycopg.conninfo.make_conninfo(**parameters)
        self._connecting_s = connecting_s
        self._channel = f"talkwire:{log}"
        self._notifying: Connection | None = None
        self._number = 0

    async def publish(self, parcels: Sequence[Published]) -> None:
        """Sends parcels to all nodes: a notification to one of them would cost PostgreSQL as much."""
        for parcel, _ in parcels:  # Suspends: each waits for the database.
            await self._publish(parcel)

    async def _publish(self, parcel: bytes) -> None:
        connection = self._notifying = self._notifying or await self._connect()
        self._number += 1
        try:
            await _answered(connection, connection.execute(_NOTIFY, (self._channel, split(self._number, parcel))))
        except psycopg.Error:
            self._notifying = None
            await connection.close()
            raise

    @asynccontextmanager
    async def listening(self, node_id: str) -> AsyncIterator[AsyncIterator[bytes]]:  # noqa: ARG002 (as above)
        connection = await self._connect()
        last_words: list[str] = []
        connection.add_notice_handler(lambda notice: _keep_fatal(notice, last_words))
        try:
            listen = psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel))
            await _answered(connection, connection.execute(listen))
            yield _parcels(connection)
        except self.failures as error:
            if last_words:
                raise psycopg.OperationalError("; ".join(last_words)) from error
            raise
        finally:
            await connection.close()

    async def close(self) -> None:
        if self._notifying is not None:
            await self._notifying.close()

    async def _connect(self) -> Connection:
        async with asyncio.timeout(self._connecting_s):
            connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
            try:
                await _answered(connection, connection.execute(_SET))
            except BaseException:
                await connection.close()
                raise
            return connection


def _keep_fatal(notice: Diagnostic, last_words: list[str]) -> None:
    """Adds to `last_words` why the server ends the connection: libpq passes an error that answers no statement as a
    notice, and only says afterwards that the connection was closed."""
    if notice.severity_nonlocalized in {"FATAL", "PANIC"}:
        last_words.append(notice.message_primary or "")


async def _parcels(connection: Connection) -> AsyncIterator[bytes]:
    joiner = Joiner()
    async for notification in connection.notifies():
        parcel = joiner.add(notification.pid, notification.payload)
        if parcel is not None:
            yield parcel
    raise psycopg.OperationalError("the database sends no more notifications")


def split(number: int, parcel: bytes) -> Sequence[str]:
    """Splits a parcel into the texts of one or more notifications, each of the form `number index count base64`:
    `number` identifies the parcel among its sender's, `index` (from 0) the part, of which there are `count`.
    """
    starts = range(0, len(parcel), NOTIFICATION_BYTES)
    return [
        f"{number} {index} {len(starts)} {b64encode(parcel[start : start + NOTIFICATION_BYTES]).decode()}"
        for index, start in enumerate(starts)
    ]


class Joiner:
    """Reassembles parcels from the notifications that they were split into.

    The notifications of one transaction arrive in a row, so at most one parcel is incomplete. A notification that does
    not continue it starts another parcel, or is dropped.
    """

    def __init__(self) -> None:
        self._of: tuple[int, str, int] | None = None
        self._chunks: list[bytes] = []

    def add(self, sender: int, text: str) -> bytes | None:
        """Adds a received notification. Returns the parcel that it completes, or None if more notifications are
        missing. `sender` is the process id of the sender's PostgreSQL backend.
        """
        try:
            number, index, count, data = text.split(" ")
            of, chunk = (sender, number, int(count)), b64decode(data, validate=True)
            begins, continues = int(index) == 0, of == self._of and int(index) == len(self._chunks)
        except ValueError:
            return None  # any database user can notify a channel
        if int(count) > PARCEL_NOTIFICATIONS_MAX:
            return None
        if begins:
            self._of, self._chunks = of, [chunk]
        elif continues:
            self._chunks.append(chunk)
        else:
            self._of = None
        if self._of is None or len(self._chunks) < int(count):
            return None
        parcel, self._of, self._chunks = b"".join(self._chunks), None, []
        return parcel


async def _answered(connection: Connection, statement: Coroutine[object, object, R]) -> R:
    """Awaits a statement on `connection` and returns its result. Raises psycopg.Error; if there is no result after
    BUS_ANSWER_S seconds, cuts the connection, so that the statement fails.

    Otherwise psycopg would ask the server to cancel the statement, and wait for a server that does not respond.
    """
    executing = asyncio.ensure_future(statement)
    try:
        await asyncio.wait([executing], timeout=BUS_ANSWER_S)
    finally:
        if not executing.done():
            _cut(connection)
            await asyncio.wait([executing])
        executing.exception()  # retrieves the exception, so that asyncio does not log it
    return executing.result()


def _cut(connection: Connection) -> None:
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as its_socket:
        its_socket.shutdown(socket.SHUT_RDWR)

"""Parcels by PostgreSQL's LISTEN and NOTIFY, for nodes without a Redis, on a channel that has the name of
the database's log.

A notification is a text of less than 8,000 bytes, so a parcel goes as several of one transaction. Two connections of
its own: what the writer does is never waited for, nor does it wait. PostgreSQL reads nothing of it and keeps it only
until all who listen have got it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import psycopg

from talkwire.bus.carried import ANSWER_S

R = TypeVar("R")

Connection = psycopg.AsyncConnection[tuple[object, ...]]

CONNECT_S = 3
CHUNK = 5_900
"""Bytes in a notification: as base64, with a few words before them, less than 8,000."""

CHUNKS_MAX = 400
"""Of one parcel. Its dispatches have 1 MiB, and may have been gathered beside one of 1 MiB."""

_NOTIFY = "SELECT pg_notify(%s, chunk) FROM unnest(%s::text[]) AS chunk"


class PostgresTransport:
    """Implements `carried.BusTransport`. `conninfo` is what libpq takes, such as a `postgresql://` URL."""

    # To read the log is cheaper than to have events go twice through the same database.
    brings_events = False
    dispatch_max = 1 << 20
    failures: tuple[type[Exception], ...] = (psycopg.Error, OSError, TimeoutError)

    def __init__(self, conninfo: str, log: str) -> None:
        self._conninfo = conninfo
        self._channel = f"talkwire:{log}"
        self._notifying: Connection | None = None
        self._number = 0

    async def publish(self, parcel: bytes) -> None:
        connection = self._notifying = self._notifying or await self._connect()
        self._number += 1
        try:
            await _answered(connection, connection.execute(_NOTIFY, (self._channel, split(self._number, parcel))))
        except psycopg.Error:
            self._notifying = None
            await connection.close()
            raise

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[bytes]]:
        connection = await self._connect()
        try:
            listen = psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel))
            await _answered(connection, connection.execute(listen))
            yield _parcels(connection)
        finally:
            await connection.close()

    async def close(self) -> None:
        if self._notifying is not None:
            await self._notifying.close()

    async def _connect(self) -> Connection:
        async with asyncio.timeout(CONNECT_S):
            return await psycopg.AsyncConnection.connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=CONNECT_S,
                # What is lost in a crash of the database is not worth a wait for its disk.
                options="-c synchronous_commit=off -c lock_timeout=1000 -c statement_timeout=5000",
                application_name="talkwire",
            )


async def _parcels(connection: Connection) -> AsyncIterator[bytes]:
    joiner = Joiner()
    async for notification in connection.notifies():
        parcel = joiner.add(notification.pid, notification.payload)
        if parcel is not None:
            yield parcel
    raise psycopg.OperationalError("the database sends no more notifications")


def split(number: int, parcel: bytes) -> Sequence[str]:
    """A parcel as the texts of notifications: `number index count base64`."""
    starts = range(0, len(parcel), CHUNK)
    return [
        f"{number} {index} {len(starts)} {b64encode(parcel[start : start + CHUNK]).decode()}"
        for index, start in enumerate(starts)
    ]


class Joiner:
    """Makes parcels of notifications. Those of one transaction come one after the other, so there is only one parcel at
    a time that is not complete; what does not continue it is the beginning of another, or is dropped."""

    def __init__(self) -> None:
        self._of: tuple[int, str, int] | None = None
        self._chunks: list[bytes] = []

    def add(self, sender: int, text: str) -> bytes | None:
        """A parcel, where this completes one. `sender` is the number of the server's process that was told."""
        try:
            number, index, count, data = text.split(" ")
            of, chunk = (sender, number, int(count)), b64decode(data, validate=True)
            begins, continues = int(index) == 0, of == self._of and int(index) == len(self._chunks)
        except ValueError:
            return None  # anybody can notify a channel
        if int(count) > CHUNKS_MAX:
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
    """What a statement answers within ANSWER_S. Where it does not, or nobody waits any more, its connection is cut:
    psycopg would ask the server to cancel it, and wait for a server that does not answer."""
    executing = asyncio.ensure_future(statement)
    try:
        await asyncio.wait([executing], timeout=ANSWER_S)
    finally:
        if not executing.done():
            _cut(connection)
            await asyncio.wait([executing])
            executing.exception()  # nobody else may ask for it
    return executing.result()


def _cut(connection: Connection) -> None:
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as its_socket:
        its_socket.shutdown(socket.SHUT_RDWR)

"""Opens the chat over its database without a server, for command-line tools that run while no server does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import URL, Engine

from talkwire.core.clock import now_ms
from talkwire.core.domain.access_policy import DEFAULT_POLICY, AccessPolicy
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import NODE_COMMANDS
from talkwire.core.engine.decider import Decider
from talkwire.storage.engine import reading_engine, writing_engine
from talkwire.storage.leases import LeaseKeeper
from talkwire.storage.lineage import adopt_log
from talkwire.storage.migrations import migrate, newest_revision, revision_of
from talkwire.storage.reader import ReaderPool
from talkwire.storage.writer import GroupWriter


class OtherTablesError(Exception):
    """The database has tables of another Talkwire version. It is not migrated, because nodes of that version may be
    using it.
    """


@contextlib.asynccontextmanager
async def opened_chat(url: URL, policy: AccessPolicy = DEFAULT_POLICY) -> AsyncIterator[Chat]:
    """Opens a database and yields a chat that can execute commands, without a server. Creates the tables in an empty
    database, and migrates an older SQLite file. `policy` says what the commands of users may do.

    Raises SQLAlchemyError if the database cannot be opened, and OtherTablesError if a PostgreSQL database has tables of
    another version, which only `talkwire migrate` upgrades.
    """
    writing = writing_engine(url)
    try:
        await asyncio.to_thread(_bring_up_to_date, writing)
        clock_ms = now_ms if writing.dialect.name == "sqlite" else None
        writer = GroupWriter(writing, Decider().decide, clock_ms, policy)
        reader = ReaderPool(reading_engine(url, 1), 1, clock_ms)
        keeper = LeaseKeeper(writing.dialect, NODE_COMMANDS, writer.transact, clock_ms)
        chat = Chat(writer, reader, keeper)
        try:
            await chat.start()
            yield chat
        finally:
            await keeper.close()
            await writer.close()
            await chat.stop_following()
            reader.close()
    finally:
        writing.dispose()


def _bring_up_to_date(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        revision = revision_of(engine)
        if revision not in {None, newest_revision()}:
            raise OtherTablesError(f"the database has tables of version {revision}; run `talkwire migrate` first")
    migrate(engine)
    adopt_log(engine)

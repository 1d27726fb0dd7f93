"""`python -m bench.growth`: measures how the cost of reading grows with the database.

The same queries run on a database with 10 and on one with 100,000 messages in each of its ten conversations: in this
process, from the query to the JSON, and over REST on a server. The result is CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from sqlalchemy import Engine, insert

from bench.build import BUILD
from bench.dataset import Dataset, token
from bench.servers import TALKWIRE, ServerFailedError
from talkwire.core.commands.conversations import CreateConversation, ListConversations
from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.domain.model import MESSAGE_ID_BASE, Actor
from talkwire.core.engine.chat import Chat
from talkwire.dialects.messenger.sync import messenger_sync_payload
from talkwire.dialects.payloads.conversations import conversation_payload
from talkwire.dialects.payloads.messages import message_payload
from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.messages.retention import DeletedConversations
from talkwire.storage.messages.search import MessageIndex
from talkwire.storage.schema import followers, log, log_head, messages
from talkwire.store import opened_chat

SIZES = (10, 100_000)
CONVERSATIONS = 10
READER = Actor("user-0", "User 0")
AUTHOR = "user-1"
_BACKEND = Actor("bench", "Bench", "service")
_SLICE = 50_000

encode = msgspec.json.Encoder().encode
Ask = Callable[[Chat], Awaitable[bytes]]


@dataclass(frozen=True)
class Question:
    """A query of clients. `at_most_ms` limits its CPU time in milliseconds, if there is a limit."""

    name: str
    ask: Ask
    at_most_ms: float | None = None


async def _list(chat: Chat) -> bytes:
    page = await chat.execute(READER, ListConversations())
    return encode([conversation_payload(view) for view in page.items])


async def _sync(chat: Chat) -> bytes:
    return encode(messenger_sync_payload(await chat.execute(READER, GetSyncState())))


async def _newest_events(chat: Chat) -> bytes:
    after = f"{chat.epoch}-{chat.pos - 50}"
    return encode(messenger_sync_payload(await chat.execute(READER, ListEvents(after))))


async def _history(chat: Chat) -> bytes:
    page = await chat.execute(READER, ListMessages("talk-0", limit=50))
    return encode([message_payload(message) for message in page.items])


async def _older_history(chat: Chat) -> bytes:
    middle = MESSAGE_ID_BASE + chat.pos // 2
    before = str(middle - middle % CONVERSATIONS)
    page = await chat.execute(READER, ListMessages("talk-0", limit=50, before=_in_first(chat, before)))
    return encode([message_payload(message) for message in page.items])


def _in_first(chat: Chat, near: str) -> str:
    """Returns the id of a message in the first conversation, which has every tenth message."""
    first = MESSAGE_ID_BASE + chat.pos
    while (first - int(near)) % CONVERSATIONS != CONVERSATIONS - 1:
        near = str(int(near) - 1)
    return near


ROUTES = (
    ("healthz", "/healthz"),
    ("one user", "/api/v1/users/me"),
    ("history, newest 50", "/api/v1/conversations/talk-0/messages"),
    ("conversations", "/api/v1/conversations"),
    ("sync, the state", "/api/v1/sync"),
)

QUESTIONS = (
    Question("conversations:list", _list),
    Question("sync, the state", _sync),
    Question("sync, the last 50 events", _newest_events),
    Question("history, newest 50", _history, 1.0),
    Question("history, 50 in the middle", _older_history, 1.0),
)


async def prepare(file: Path, size: int) -> None:
    """Creates a database whose conversations have `size` messages each, all unread."""
    url = sqlite_url(file)
    async with opened_chat(url) as chat:
        for number in range(CONVERSATIONS):
            names = (READER.user_id, AUTHOR)
            await chat.execute(_BACKEND, CreateConversation("group", names, f"Talk {number}", f"talk-{number}"))
        start = chat.pos
    engine = writing_engine(url)
    try:
        _fill(engine, start, size)
    finally:
        engine.dispose()


def _fill(engine: Engine, start: int, size: int) -> None:
    """Writes messages straight into the tables: a million commands would take a minute."""
    last = start + size * CONVERSATIONS
    with engine.begin() as connection:
        for slice_start in range(start, last, _SLICE):
            positions = range(slice_start + 1, min(slice_start + _SLICE, last) + 1)
            connection.execute(insert(messages), list(_messages(positions, start)))
            connection.execute(insert(log), list(_events(positions, start)))
        connection.execute(log_head.update().values(pos=last))
        for number in range(CONVERSATIONS):
            newest = last - CONVERSATIONS + 1 + number
            connection.exec_driver_sql(
                "UPDATE conversations SET last_seq = ?, last_pos = ?, active_pos = ? WHERE id = ?",
                (size, newest, newest, f"talk-{number}"),
            )
        connection.exec_driver_sql("UPDATE members SET sent_count = ? WHERE user_id = ?", (size, AUTHOR))
        # The search index and other followers are not measured, so they get no backlog.
        connection.exec_driver_sql("DELETE FROM followers")
        names = (MessageIndex.name, OfflineNotifications.name, DeletedConversations.name)
        connection.execute(insert(followers), [{"name": name, "pos": last} for name in names])


def _messages(positions: Sequence[int], start: int) -> Iterator[dict[str, object]]:
    for pos in positions:
        index = pos - start - 1
        yield {
            "id": MESSAGE_ID_BASE + pos,
            "conversation_id": f"talk-{index % CONVERSATIONS}",
            "seq": index // CONVERSATIONS + 1,
            "sender_id": AUTHOR,
            "content": f"Message {index}: about as long as people write when they talk.",
            "client_message_id": f"client-{pos}",
            "created_ms": 1_700_000_000_000 + pos,
        }


def _events(positions: Sequence[int], start: int) -> Iterator[dict[str, object]]:
    for pos in positions:
        yield {
            "pos": pos,
            "type": "MessageSent",
            "conversation_id": f"talk-{(pos - start - 1) % CONVERSATIONS}",
            "message_id": MESSAGE_ID_BASE + pos,
            "at_ms": 1_700_000_000_000 + pos,
        }


async def measure(file: Path, rounds: int, repeats: int) -> dict[str, float]:
    """Returns this process's CPU milliseconds per query: the median of `rounds`, each the mean of `repeats`."""
    samples: dict[str, list[float]] = {question.name: [] for question in QUESTIONS}
    async with opened_chat(sqlite_url(file)) as chat:
        unread = await chat.execute(READER, ListConversations())
        assert all(view.unread is not None and view.unread.unread_count for view in unread.items)
        for question in QUESTIONS:
            await question.ask(chat)
        for _ in range(rounds):
            for question in QUESTIONS:
                before = time.process_time()
                for _ in range(repeats):
                    await question.ask(chat)
                samples[question.name].append((time.process_time() - before) * 1000 / repeats)
    return {name: statistics.median(values) for name, values in samples.items()}


def measure_rest(folder: Path, repeats: int) -> dict[str, float]:
    """Returns a server's CPU milliseconds per route, including HTTP."""
    files = Dataset({}).write(folder)
    headers = {"Authorization": f"Bearer {token(READER.user_id)}"}
    figures = {}
    with replace(TALKWIRE, prepare=lambda _running, _data: None).running(folder, Dataset({}), files) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for name, path in ROUTES:
            _get(connection, path, headers)
            before = _cpu_s(server.processes[0].pid)
            for _ in range(repeats):
                _get(connection, path, headers)
            figures[f"REST: {name}"] = (_cpu_s(server.processes[0].pid) - before) * 1000 / repeats
    return figures


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise ServerFailedError(f"GET {path}: {answer.status}")


def _cpu_s(pid: int) -> float:
    """Returns the CPU seconds that a process has used (Linux: proc_pid_stat(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run(options: argparse.Namespace) -> dict[int, dict[str, float]]:
    """Returns the measurements by database size."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="growth-", dir=options.data) as folder:
        for size in SIZES:
            data = Path(folder) / str(size) / "node-1" / "talkwire-data"
            data.mkdir(parents=True)
            await prepare(data / "talkwire.db", size)
            figures[size] = await measure(data / "talkwire.db", options.rounds, options.repeats)
            figures[size] |= measure_rest(data.parent.parent, options.repeats * 20)
    return figures


def main() -> int:
    """Runs the benchmark, prints a table and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--data", type=Path, default=BUILD, help="folder for the databases")
    options = parser.parse_args()
    options.data.mkdir(exist_ok=True, parents=True)
    figures = asyncio.run(run(options))
    print(
        f"{'CPU ms an answer, messages a conversation':44}" + "".join(f"{size:>10,}" for size in SIZES) + "     times"
    )
    for name in figures[SIZES[0]]:
        values = [figures[size][name] for size in SIZES]
        print(f"{name:44}" + "".join(f"{value:10.2f}" for value in values) + f"{values[-1] / values[0]:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

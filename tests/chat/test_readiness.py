"""The response of `/readyz` in each state of the node."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from talkwire.api import readiness as module
from talkwire.api.readiness import Readiness, ReadinessMetrics
from talkwire.core.domain.errors import ChatError
from talkwire.storage import health
from talkwire.storage.engine import sqlite_url
from talkwire.storage.health import FileWatch, WriteProbe
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.contracts.node import ALICE, BOB, Clock, running
from tests.databases import Database, migrated_sqlite_file, postgresql_server
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline, until_asked


async def answers() -> None:
    pass


async def is_away() -> None:
    raise ChatError("unavailable", "The database does not answer.")


def yes() -> bool:
    return True


async def test_a_node_without_its_bus_is_ready_and_reports_it() -> None:
    standing = await Readiness(answers, bus_disconnected=yes).check()
    assert (standing.status, standing.bus) == ("ok", "away")


@pytest.mark.parametrize(
    ("readiness", "status", "expected"),
    [
        (Readiness(is_away), "unavailable", {"database": "away"}),
        (Readiness(answers, lease_lost=yes), "unavailable", {"lease": "lost"}),
        (Readiness(answers, draining=yes), "draining", {"draining": True}),
        (Readiness(is_away, draining=yes), "unavailable", {"database": "away", "draining": True}),
    ],
)
async def test_a_node_is_not_ready(readiness: Readiness, status: str, expected: dict[str, object]) -> None:
    standing = await readiness.check()
    assert standing.status == status
    assert {name: getattr(standing, name) for name in expected} == expected


async def test_a_database_that_takes_too_long_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "DATABASE_TIMEOUT_S", 0.01)
    assert (await Readiness(for_ever).check()).database == "away"


def test_the_metrics_show_the_same_state() -> None:
    registry = CollectorRegistry()
    registry.register(ReadinessMetrics(Readiness(answers, bus_disconnected=yes)))
    text = generate_latest(registry).decode()
    for line in ("talkwire_bus_away 1.0", "talkwire_lease_lost 0.0", "talkwire_draining 0.0"):
        assert line in text.splitlines()


async def test_a_node_whose_database_refuses_writes_is_not_ready() -> None:
    standing = await Readiness(answers, is_away).check()
    assert (standing.status, standing.database) == ("unavailable", "away")


# --- databases that refuse writes -----------------------------------------------------------------------------------


async def _until_ready(server: ServerProcess, *, ready: bool) -> None:
    async with AsyncHttpClient() as http:

        async def says_so() -> bool:
            answer = await http.get(f"{server.url}/readyz")
            if (answer.status_code == 200) is not ready:
                return False
            assert answer.json()["database"] == ("ok" if ready else "away")
            return True

        await until_asked(says_so)


async def _is_sent(world: World, talk: str) -> int:
    """Sends a message and returns the response's status."""
    body = {"conversationId": talk, "content": "x" * 30_000}
    return (await world.request("POST", "/api/v1/messages", by="alice", json=body)).status_code


async def test_a_full_disk_is_noticed_and_its_end_too(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            talk = await world.conversation("alice", "bob")
            assert await _is_sent(world, talk) == 201
            await _until_ready(server, ready=True)
            # The process may not enlarge any file, which SQLite reports like a full disk.
            pid, wal = server.process.pid, (server.data / "talkwire.db-wal").stat().st_size
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (wal, resource.RLIM_INFINITY))
            assert await _is_sent(world, talk) == 503
            await _until_ready(server, ready=False)
            assert (await world.request("GET", "/api/v1/conversations", by="alice")).status_code == 200
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            await _until_ready(server, ready=True)
            assert await _is_sent(world, talk) == 201


async def test_a_database_that_is_read_only_is_noticed_without_any_command(tmp_path: Path) -> None:
    with postgresql_server() as postgresql:
        url = postgresql.url_of(postgresql.create_migrated())
        with running_chat(tmp_path, {"DATABASE_URL": url.render_as_string(hide_password=False)}) as server:
            await _until_ready(server, ready=True)
            for switch, ready in (("on", False), ("off", True)):
                postgresql.set("default_transaction_read_only", switch)
                await _until_ready(server, ready=ready)


@pytest.mark.parametrize("what", ["renamed", "removed", "replaced"])
async def test_a_file_that_is_not_where_it_was_is_not_written(tmp_path: Path, what: str) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            talk = await world.conversation("alice", "bob")
            file, aside = server.data / "talkwire.db", server.data / "aside.db"
            if what == "removed":
                file.unlink()
            else:
                file.rename(aside)
            if what == "replaced":
                shutil.copyfile(aside, file)
            await _until_ready(server, ready=False)
            assert await _is_sent(world, talk) == 503
            if what == "renamed":
                aside.rename(file)
                await _until_ready(server, ready=True)
                assert await _is_sent(world, talk) == 201


async def test_concurrent_probes_share_one_check(tmp_path: Path) -> None:
    database = Database("sqlite", sqlite_url(migrated_sqlite_file(tmp_path)))
    async with running(database, Clock()) as node:
        await node.users(ALICE)
        node.writer.wrote_at = -inf
        probe = WriteProbe(node.writer)
        with node.statements() as transactions:
            await asyncio.gather(*(probe.check() for _ in range(200)))
            for _ in range(200):
                await probe.check()
        assert len(transactions) == 1
        await node.users(BOB)
        with node.statements() as transactions:
            await WriteProbe(node.writer).check()
        assert transactions == [], "a commit shows it too"


async def test_hanging_file_work_does_not_look_like_a_hanging_database(tmp_path: Path) -> None:
    database = Database("sqlite", sqlite_url(migrated_sqlite_file(tmp_path)))
    hangs = threading.Event()
    async with running(database, Clock()) as node:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        hanging = loop.run_in_executor(None, hangs.wait)
        try:
            node.writer.wrote_at = -inf
            await asyncio.wait_for(WriteProbe(node.writer).check(), DEADLINE_S)
        finally:
            hangs.set()
        await hanging


async def test_a_hanging_check_of_the_file_blocks_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = migrated_sqlite_file(tmp_path)
    monkeypatch.setattr(health, "FILE_CHECK_S", 0.01)
    looking, hangs = threading.Event(), threading.Event()
    here, looked_on, real = threading.get_ident(), [], Path.stat

    def stat(path: Path) -> os.stat_result:
        looked_on.append(threading.get_ident())
        if len(looked_on) > 1:
            looking.set()
            assert hangs.wait(DEADLINE_S)
        return real(path)

    async with running(Database("sqlite", sqlite_url(file)), Clock()) as node:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "stat", stat)
            watch = FileWatch(file, node.writer)
            watch.start()
            try:
                assert await asyncio.to_thread(looking.wait, DEADLINE_S)
                assert looked_on[1] != here
                await node.users(ALICE)
            finally:
                watch.close()
                hangs.set()


def _message(talk: str, number: int) -> dict[str, object]:
    return {"conversationId": talk, "content": f"{number}", "clientMessageId": f"m{number}"}


async def test_requests_to_a_stalled_database_fail_within_seconds(tmp_path: Path) -> None:
    with postgresql_server() as postgresql:
        url = postgresql.url_of(postgresql.create_migrated())
        with running_chat(tmp_path, {"DATABASE_URL": url.render_as_string(hide_password=False)}) as server:
            async with world_at(server) as world:
                talk = await world.conversation("alice", "bob")
                alice, bob = await world.connect("alice"), await world.connect("bob")
                postgresql.pause()
                try:
                    async with deadline():
                        sending = [alice.start_call("message:send", _message(talk, number)) for number in range(3)]
                        asked = [world.request("GET", "/api/v1/conversations", by="alice") for _ in range(20)]
                        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {503}
                        refused = [*await asyncio.gather(*sending), await alice.call("message:send", _message(talk, 3))]
                        assert {answer["error"]["code"] for answer in refused} == {"unavailable"}
                finally:
                    postgresql.resume()

                async def reads() -> bool:
                    return (await world.request("GET", "/api/v1/conversations", by="alice")).is_success

                async def writes(number: int) -> bool:
                    return bool((await alice.call("message:send", _message(talk, number)))["success"])

                await until_asked(reads)
                # Retrying is safe: each message is stored once.
                for number in range(4):
                    await until_asked(partial(writes, number))
                received = [(await bob.next("message:new"))["content"] for _ in range(4)]
                assert sorted(received) == [f"{number}" for number in range(4)]
                assert await bob.pending("message:new") == []

"""`serve --workers N`: several nodes on one port, and the process that looks after them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.chat.chat_client import open_client
from tests.cli.manager import Manager, listening_manager
from tests.cli.processes import Answer, RunningServer, running_server
from tests.databases import Database, PostgresServer
from tests.http_client import http_get
from tests.reference.blocks.collected import REPOSITORY, blocks_of
from tests.valkey_server import valkey_server
from tests.waiting import DEADLINE_S, wait_until

WORKERS = 2
START_S = 180.0
"""Several processes, on a machine that may have others to look after."""

SECRET = "0123456789abcdef0123456789abcdef"

CHOOSE = "choose another one with --port"


def flags_of(database: Database, drain_s: str = "1") -> list[str]:
    return ["--database", url_of(database), *further_flags(drain_s)]


def further_flags(drain_s: str = "1") -> list[str]:
    return ["--jwt-secret", SECRET, "--no-rate-limits", "--drain-s", drain_s]


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def flags_of_the_page(database: Database, redis: str) -> list[str]:
    """Returns the options that docs/workers.md shows, with these addresses and fewer workers."""
    (block,) = [block for block in blocks_of(REPOSITORY / "docs" / "workers.md") if block.language == "sh"]
    replaced = {"--workers 4": f"--workers {WORKERS}", "redis://cache": redis}
    replaced["postgresql://talkwire@db/talkwire"] = shlex.quote(url_of(database))
    command = block.text
    for shown, used in replaced.items():
        assert shown in command
        command = command.replace(shown, used)
    program, serve, *flags = shlex.split(command)
    assert (program, serve) == ("talkwire", "serve")
    return flags


@pytest.fixture(scope="module")
def manager() -> Iterator[Manager]:
    with listening_manager() as manager:
        yield manager


@pytest.fixture(scope="module")
def steady(
    postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory, manager: Manager
) -> Iterator[RunningServer]:
    """Workers that the command of docs/workers.md starts. They stay as they are, or become so again."""
    name = postgresql.create_migrated()
    database = Database("postgresql", postgresql.url_of(name))
    folder = tmp_path_factory.mktemp("steady")
    with pytest.MonkeyPatch.context() as patch, valkey_server() as valkey:
        patch.setenv("NOTIFY_SOCKET", manager.address)
        flags = [*flags_of_the_page(database, valkey.url), *further_flags()]
        with running_server(folder, *flags, within_s=START_S) as server, ended_with(server):
            yield server
    postgresql.drop(name)


@pytest.fixture
def server(postgresql_database: Database, tmp_path: Path) -> Iterator[RunningServer]:
    flags = ["--workers", str(WORKERS), *flags_of(postgresql_database)]
    with running_server(tmp_path, *flags, within_s=START_S) as server, ended_with(server):
        yield server


@contextmanager
def ended_with(server: RunningServer) -> Iterator[None]:
    """Ensures that no worker outlives its test."""
    # By descriptors, since another process may have the number of a worker that has ended.
    with ExitStack() as killing:
        watched: set[int] = set()

        def watch() -> None:
            for pid in set(workers_of(server)) - watched:
                watched.add(pid)
                with suppress(ProcessLookupError):  # it has ended since
                    killing.callback(_kill, os.pidfd_open(pid))

        watch()
        try:
            yield
        finally:
            if is_running(server.process.pid):
                watch()


def _kill(descriptor: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.close(descriptor)


def workers_of(server: RunningServer) -> list[int]:
    """The process ids of the workers that run."""
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """A process whose first thread has ended holds its sockets until the others have too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def metrics(server: RunningServer, name: str) -> dict[str, float]:
    """Returns each worker's value of one metric, by worker number."""
    exposition = http_get(f"{server.url}/metrics").text
    return {
        number: float(value)
        for number, value in re.findall(rf'^{name}{{worker="(\d+)"}} (\S+)$', exposition, re.MULTILINE)
    }


def test_only_the_supervisor_reports_and_once_all_workers_are_ready(steady: RunningServer, manager: Manager) -> None:
    assert manager.receive() == ("READY=1", steady.process.pid)
    assert manager.has_none()


def test_all_workers_take_connections_of_the_one_port(steady: RunningServer) -> None:
    assert json.loads(steady.greeting)["workers"] == WORKERS
    assert len(workers_of(steady)) == WORKERS

    async def connect_many() -> dict[str, float]:
        clients = await asyncio.gather(*(open_client(steady.url.replace("http", "ws", 1)) for _ in range(60)))
        counts = await asyncio.to_thread(metrics, steady, "talkwire_sessions")
        for client in clients:
            await client.close()
        return counts

    counts = asyncio.run(connect_many())
    assert sorted(counts) == [str(number) for number in range(1, WORKERS + 1)]
    assert sum(counts.values()) == 60
    assert min(counts.values()) > 3, "each gets about 30"


def test_every_worker_is_in_one_answer_of_the_metrics(steady: RunningServer) -> None:
    exposition = http_get(f"{steady.url}/metrics").text
    assert exposition.count("# TYPE talkwire_events_received_total counter\n") == 1
    assert set(metrics(steady, "talkwire_draining").values()) == {0.0}
    assert len(metrics(steady, "talkwire_events_received_total")) == WORKERS


def test_a_dead_worker_is_restarted_and_the_others_continue(steady: RunningServer) -> None:
    before = workers_of(steady)
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: not is_running(before[0]))
    for _ in range(20):
        assert http_get(f"{steady.url}/healthz").status_code == 200
    wait_until(lambda: len(workers_of(steady)) == WORKERS)
    wait_until(lambda: len(metrics(steady, "talkwire_sessions")) == WORKERS)
    assert set(before[1:]) <= set(workers_of(steady))


def test_a_signal_has_all_of_them_drain_and_end(server: RunningServer) -> None:
    async def notified() -> list[object]:
        clients = [await open_client(server.url.replace("http", "ws", 1)) for _ in range(12)]
        server.process.send_signal(signal.SIGINT)
        return [await client.wait_closed() for client in clients]

    workers = workers_of(server)
    assert set(asyncio.run(notified())) == {1001}
    answer = server.stop(signal.SIGCONT)
    assert answer.exit_code == 0
    assert not any(map(is_running, workers))
    logged = [json.loads(line) for line in answer.err.splitlines()]
    assert {entry["worker"] for entry in logged if entry["event"] == "draining"} == {1, 2}, "each line says whose it is"


def test_a_worker_that_gets_the_signal_too_does_not_count_it_twice(server: RunningServer) -> None:
    """A service manager signals every process of a service."""
    for pid in [*workers_of(server), server.process.pid]:
        os.kill(pid, signal.SIGTERM)
    assert server.process.wait(DEADLINE_S) == 0
    events = [json.loads(line)["event"] for line in server.errors.read().splitlines()]
    assert events.count("draining") == WORKERS
    assert "workers_killed" not in events


def test_a_second_signal_ends_all_at_once(postgresql_database: Database, tmp_path: Path) -> None:
    flags = ["--workers", str(WORKERS), *flags_of(postgresql_database, drain_s="3600")]
    with running_server(tmp_path, *flags, within_s=START_S) as server, ended_with(server):
        workers = workers_of(server)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: 1.0 in metrics(server, "talkwire_draining").values())
        assert server.stop(signal.SIGTERM).exit_code == 1
        wait_until(lambda: not any(map(is_running, workers)))


def test_workers_do_not_outlive_their_supervisor(postgresql_database: Database, tmp_path: Path) -> None:
    flags = ["--workers", str(WORKERS), *flags_of(postgresql_database, drain_s="3600")]
    with running_server(tmp_path, *flags, within_s=START_S) as server, ended_with(server):
        workers = workers_of(server)
        server.process.kill()
        wait_until(lambda: not any(map(is_running, workers)))


def test_an_error_is_printed_once_and_ends_the_command(
    talkwire: Callable[..., Answer], postgresql_database: Database
) -> None:
    with postgresql_database.engine() as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer = talkwire("serve", "--port", "0", "--workers", "3", *flags_of(postgresql_database))
    assert answer.exit_code == 1
    assert answer.line.startswith("talkwire: the database has tables of version 9999, newer than")


def test_a_restart_on_newer_tables_ends_all(server: RunningServer, postgresql_database: Database) -> None:
    """Other nodes have been upgraded and have migrated the tables: a worker of this version cannot restart."""
    with postgresql_database.engine() as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert http_get(f"{server.url}/readyz").status_code == 200
    workers = workers_of(server)
    os.kill(workers[0], signal.SIGKILL)
    assert server.process.wait(DEADLINE_S) == 1
    assert not any(map(is_running, workers))
    assert "talkwire: the database has tables of version 9999" in server.errors.read().splitlines()[-1]


def test_a_port_that_workers_have_is_in_use(
    steady: RunningServer, talkwire: Callable[..., Answer], postgresql_database: Database
) -> None:
    for further in ([], ["--workers", "2"]):
        answer = talkwire("serve", "--port", steady.port, *further, *flags_of(postgresql_database))
        assert (answer.exit_code, answer.line) == (
            1,
            f"talkwire: cannot listen on 127.0.0.1, port {steady.port}: the port is in use; {CHOOSE}",
        )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--workers", "2"], "--workers: more than one requires PostgreSQL; a SQLite database has one server"),
        (["--workers", "0"], "--workers: must be from 1 to 256"),
        (["--workers", "many"], "--workers: must be a whole number"),
    ],
)
def test_unsupported_worker_settings_are_refused(
    talkwire: Callable[..., Answer], arguments: list[str], line: str
) -> None:
    answer = talkwire("serve", *arguments)
    assert (answer.exit_code, answer.line) == (2, f"talkwire: {line}")


def test_a_missing_key_is_reported_once(talkwire: Callable[..., Answer], postgresql_database: Database) -> None:
    url = url_of(postgresql_database)
    answer = talkwire("serve", "--port", "0", "--workers", "2", "--database", url)
    assert answer.exit_code == 2
    assert answer.line.startswith("talkwire: jwt_secret: is required on PostgreSQL")

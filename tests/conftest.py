"""Databases to test with: SQLite and PostgreSQL, each fresh and with its tables. And the official clients."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
import structlog

from talkwire.storage.engine import sqlite_url
from tests import kinds
from tests.compiled_statements import share_compiled_statements
from tests.databases import (
    Database,
    PostgresServer,
    migrated_sqlite_file,
    own_or_shared_postgresql_server,
    shared_postgresql_server,
)
from tests.forked_talkwire import end_helper, shared_helper
from tests.logging_state import logging_kept
from tests.repetition import PROFILE
from tests.scratch import use_memory_for_temporary_files

CLIENTS = Path(__file__).with_name("clients")


# Machines may be slow, so no example has a time limit, and making values may take long.
hypothesis.settings.register_profile(
    "usual",
    max_examples=10,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "thorough",
    max_examples=300,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shard", metavar="N/M", help="run part N of M parts of the test files (tests/kinds.py)")


def pytest_configure(config: pytest.Config) -> None:
    _shard_of(config)
    use_memory_for_temporary_files()
    share_compiled_statements()
    hypothesis.settings.load_profile(PROFILE)
    _log_plain_tracebacks()
    config.pluginmanager.register(kinds.ProcessGuard())
    # Not in a worker, where the number is None.
    if "not processes" not in config.getoption("markexpr") and config.getoption("numprocesses", None):
        ending = ExitStack()
        ending.enter_context(shared_postgresql_server())
        ending.enter_context(shared_helper())
        config.add_cleanup(ending.close)


def _log_plain_tracebacks() -> None:
    """Has structlog leave out the decoration of tracebacks: it takes some 50 ms for each, and nobody reads it."""
    renderer = structlog.get_config()["processors"][-1]
    assert isinstance(renderer, structlog.dev.ConsoleRenderer)
    renderer.exception_formatter = structlog.dev.plain_traceback


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Imports no tests that `-m` or `--shard` leaves out: their imports would take most of the time of a short run."""
    shard = _shard_of(config)
    if shard is not None and shard.leaves_out(collection_path):
        return True
    return kinds.is_left_out(collection_path, config.getoption("markexpr")) or None


def _shard_of(config: pytest.Config) -> kinds.Shard | None:
    text = config.getoption("shard")
    try:
        return None if text is None else kinds.Shard.parse(text)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects tests without the garbage collector, which then ignores them: modules and tests live until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kinds.mark(item)
    items[:] = kinds.in_order(items)


def pytest_unconfigure() -> None:
    end_helper()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Restores the logging configuration after each test: a server within a test changes that of the process."""
    with logging_kept():
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """The server of all tests, where each test has databases of its own."""
    with own_or_shared_postgresql_server(os.environ.get("PYTEST_XDIST_WORKER", "")) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_sqlite_file(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Database:
    path = tmp_path / "talkwire.db"
    shutil.copyfile(sqlite_template, path)
    return Database("sqlite", sqlite_url(path))


@pytest.fixture
def postgresql_database(postgresql: PostgresServer) -> Iterator[Database]:
    name = postgresql.create_migrated()
    yield Database("postgresql", postgresql.url_of(name))
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each kind in turn."""
    found = request.getfixturevalue(f"{request.param}_database")
    assert isinstance(found, Database)
    return found


@pytest.fixture(scope="session")
def node_client() -> list[str]:
    """The command line of the script that drives the official client."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("these tests drive the official JavaScript client and need node (20 or later)")
    if not (CLIENTS / "node_modules" / "socket.io-client").is_dir():
        pytest.fail("the official client is not installed: run make install")
    return [node, str(CLIENTS / "echo_client.mjs")]

"""Databases that something is moved from, and to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from talkwire.storage.engine import sqlite_url, writing_engine
from tests.databases import PostgresServer, may_pause, migrate_url
from tests.storage.full_chat import fill


def filled(url: URL) -> None:
    migrate_url(url)
    engine = may_pause(writing_engine(url))
    fill(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def full_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "full.db"
    filled(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def full_template(postgresql: PostgresServer) -> str:
    name = postgresql.create()
    filled(postgresql.url_of(name))
    return name


@pytest.fixture
def full_sqlite(full_file: Path, tmp_path: Path) -> URL:
    """A SQLite file with rows in every table."""
    return sqlite_url(Path(shutil.copyfile(full_file, tmp_path / "full.db")))


@pytest.fixture
def full_postgresql(postgresql: PostgresServer, full_template: str) -> Iterator[URL]:
    name = postgresql.create(template=full_template)
    yield postgresql.url_of(name)
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request: pytest.FixtureRequest) -> URL:
    """A database with rows in every table, of each kind in turn."""
    url = request.getfixturevalue(f"full_{request.param}")
    assert isinstance(url, URL)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest) -> URL:
    """A database with nothing in it, of each kind in turn."""
    url = request.getfixturevalue(f"empty_{request.param}")
    assert isinstance(url, URL)
    return url


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> URL:
    return sqlite_url(tmp_path / "empty.db")


@pytest.fixture
def empty_postgresql(postgresql: PostgresServer) -> Iterator[URL]:
    name = postgresql.create()
    yield postgresql.url_of(name)
    postgresql.drop(name)

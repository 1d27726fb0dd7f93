"""Copies and restores are killed at any moment: no server opens what they leave, and they can be continued."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.engine import URL

from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.migrations import migrate
from talkwire.storage.schema import log, log_head, messages
from talkwire.storage.unfinished import UnfinishedError
from tests.databases import Database, PostgresServer, migrate_url
from tests.forked_talkwire import Process, Streams, pipe, start_python
from tests.storage.full_chat import everything, fill

MESSAGES = 30_000
DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with something in all tables, and much in some."""
    path = tmp_path_factory.mktemp("chat") / "talkwire.db"
    migrate_url(sqlite_url(path))
    engine = writing_engine(sqlite_url(path))
    fill(engine)
    many = range(10_000, 10_000 + MESSAGES)
    message = {"conversation_id": "c", "sender_id": "a", "content": "what was said " * 8, "created_ms": 1}
    with engine.begin() as connection:
        connection.execute(insert(messages), [message | {"id": number, "seq": number} for number in many])
        connection.execute(insert(log), [{"pos": n, "type": "MessageSent", "message_id": n, "at_ms": 1} for n in many])
        connection.execute(log_head.update().values(pos=10_000 + MESSAGES))
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield Database("sqlite", sqlite_url(tmp_path / "target.db"))
        return
    server = request.getfixturevalue("postgresql")
    assert isinstance(server, PostgresServer)
    name = server.create()
    yield Database("postgresql", server.url_of(name))
    server.drop(name)


def text_of(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    return url.render_as_string(hide_password=False)


@contextmanager
def started(*arguments: str) -> Iterator[tuple[Process, TextIO]]:
    """Yields `talkwire ARGUMENTS` and its standard error; it has ended afterwards."""
    with pipe() as (errors, writable):
        with Path(os.devnull).open("r+b") as nothing, writable:
            streams = Streams(nothing, nothing, writable)
            process = start_python(["-m", "talkwire", *arguments], streams, os.environ, Path.cwd())
        giving_up = threading.Timer(DEADLINE_S, process.kill)
        giving_up.start()
        try:
            yield process, errors
            process.wait()
        finally:
            giving_up.cancel()
            process.kill()


def kill_at(part: str, *arguments: str) -> None:
    """Kills the command when it reports that it has reached a part, or a little later."""
    lines = []
    with started(*arguments) as (process, errors):
        for line in errors:
            lines.append(line)
            if line.startswith(part):
                break
        process.kill()
    assert lines
    assert lines[-1].startswith(part), lines


def must_be_refused(target: Database) -> None:
    with target.engine() as engine, pytest.raises(UnfinishedError):
        migrate(engine)


def run(*arguments: str) -> str:
    with started(*arguments) as (process, errors):
        err = errors.read()
    assert process.returncode == 0, err
    return err


def test_a_copy_that_is_killed_resumes(chat: Path, target: Database) -> None:
    arguments = ("copy", "--from", f"sqlite:///{chat}", "--to", text_of(target.url))
    for part in ("messages", "message_words", "comparing"):
        kill_at(part, *arguments)
        must_be_refused(target)
    assert "Continuing an unfinished copy." in run(*arguments)
    with target.engine() as engine:
        migrate(engine)
        copied = everything(engine)
    source = Database("sqlite", sqlite_url(chat))
    with source.engine() as engine:
        expected = everything(engine)
    for name in ("messages", "log", "users", "mailbox", "message_words", "log_head"):
        assert copied[name] == expected[name]


def test_a_restore_that_is_killed_is_done_again(chat: Path, target: Database, tmp_path: Path) -> None:
    file = str(tmp_path / "backup")
    run("backup", file, "--database", f"sqlite:///{chat}", "--data", str(tmp_path / "none"))
    arguments = ("restore", file, "--database", text_of(target.url), "--data", str(tmp_path / "data"))
    for part in ("messages", "comparing"):
        kill_at(part, *arguments)
        must_be_refused(target)
    run(*arguments)
    with target.engine() as engine, engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(messages)).scalar_one() == MESSAGES + 40


def test_a_backup_that_is_killed_leaves_no_backup(chat: Path, tmp_path: Path) -> None:
    """It only leaves a temporary file with another name."""
    file = tmp_path / "backup"
    kill_at("log", "backup", str(file), "--database", f"sqlite:///{chat}", "--data", str(tmp_path))
    assert not file.exists()
    run("backup", str(file), "--database", f"sqlite:///{chat}", "--data", str(tmp_path))
    assert file.exists()

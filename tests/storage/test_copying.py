"""A copy equals the original: for both kinds of source and target, and after any interruption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL

from talkwire.storage.engine import sqlite_url
from talkwire.storage.migrations import migrate, revision_of
from talkwire.storage.schema import log_head, messages, metadata, nodes, users
from talkwire.storage.transfer import copying
from talkwire.storage.transfer.copying import copy_database
from talkwire.storage.transfer.errors import MismatchError, RowError, SourceError, TargetError
from talkwire.storage.transfer.tables import (
    COPIED_TABLES,
    HEAD_TABLE,
    TABLES_LEFT_OUT,
    TABLES_NOT_BACKED_UP,
    MovedTable,
    Row,
    moved_tables,
    select_rows,
)
from talkwire.storage.transfer.target import Target
from talkwire.storage.unfinished import UnfinishedError
from tests.databases import migrate_url
from tests.storage.full_chat import LAST_MAIL, ROWS, next_mail
from tests.storage.moves import RecordedProgress, Tables, contents, opened


def copied(source: URL, target: URL) -> RecordedProgress:
    received = RecordedProgress()
    copy_database(source, target, "the source", received)
    return received


def expected_of(source: URL) -> Tables:
    """What a copy has to be: leases are over, and killed nodes have ended."""
    found = contents(source)
    known = {row[0] for row in found["ended_nodes"]}
    killed = [tuple(row[:2]) for row in found["nodes"] if row[0] not in known]
    found["ended_nodes"] = sorted([*found["ended_nodes"], *killed], key=repr)
    return found | {name: [] for name in TABLES_LEFT_OUT}


# --- which tables -----------------------------------------------------------------------------------------------------


def test_every_table_is_declared_copied_or_excluded() -> None:
    assert sorted(metadata.tables) == sorted([*COPIED_TABLES, *TABLES_LEFT_OUT, HEAD_TABLE])
    assert set(COPIED_TABLES) > TABLES_NOT_BACKED_UP


def test_every_table_of_a_database_is_known(source: URL) -> None:
    """Besides the schema's tables: SQLite's search index, which consists of several tables, and the version of the
    tables.
    """
    with opened(source) as engine:
        names = set(inspect(engine).get_table_names())
    assert {name for name in names if not name.startswith("message_words")} == {*metadata.tables, "alembic_version"}
    assert "message_words" in names


def test_the_tests_have_rows_in_every_table(source: URL) -> None:
    assert {name for name, rows in contents(source).items() if not rows} == set()


def test_keys_are_in_the_order_of_code_points_whatever_language_a_database_has() -> None:
    """PostgreSQL here has only the collation `C`, so no other can be tried."""
    for moved in moved_tables():
        statement = str(select_rows(moved, postgresql.dialect()))  # type: ignore[no-untyped-call]
        texts = [name for name in moved.key if moved.columns[name] == "text"]
        assert statement.count('COLLATE "C"') == len(texts)


# --- a copy -----------------------------------------------------------------------------------------------------------


def test_a_copy_has_every_row_and_the_epoch(source: URL, target: URL) -> None:
    received = copied(source, target)
    assert contents(target) == expected_of(source)
    assert received.notes == []
    total = sum(count for subject, count in received.parts if subject == "comparing")
    assert received.advanced == 2 * total
    with opened(target) as engine:
        migrate(engine)
        assert next_mail(engine) == LAST_MAIL + 1


def test_a_copy_of_a_copy_is_the_first(source: URL, target: URL, tmp_path: Path) -> None:
    copied(source, target)
    again = sqlite_url(tmp_path / "again.db")
    copied(target, again)
    assert contents(again) == contents(target)
    with opened(again) as engine:
        assert next_mail(engine) == LAST_MAIL + 1


def test_checksums_are_the_same_for_both_databases(full_sqlite: URL, empty_postgresql: URL, tmp_path: Path) -> None:
    there = copy_database(full_sqlite, empty_postgresql, "a", RecordedProgress())
    back = copy_database(empty_postgresql, sqlite_url(tmp_path / "back.db"), "b", RecordedProgress())
    assert there == back
    assert there["messages"].rows == ROWS


def test_a_table_longer_than_a_batch_is_copied_whole(full_sqlite: URL, empty_postgresql: URL) -> None:
    many = 3 * copying.WRITTEN_ROWS + 7
    with opened(full_sqlite) as engine, engine.begin() as connection:
        rows = [{"name": f"follower {number % 911}-{number}", "pos": number} for number in range(many)]
        connection.execute(insert(metadata.tables["followers"]), rows)
    copied(full_sqlite, empty_postgresql)
    assert contents(empty_postgresql)["followers"] == contents(full_sqlite)["followers"]


def test_a_database_of_an_older_version_is_to_be_migrated_first(full_sqlite: URL, target: URL) -> None:
    with opened(full_sqlite) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    with pytest.raises(SourceError, match="has tables of version 0003; run `talkwire migrate` first"):
        copied(full_sqlite, target)


def test_there_has_to_be_a_chat_to_copy(target: URL, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no chat"):
        copied(sqlite_url(tmp_path / "nothing.db"), target)


def test_a_server_that_lives_keeps_its_database(empty_postgresql: URL, tmp_path: Path) -> None:
    migrate_url(empty_postgresql)
    with opened(empty_postgresql) as engine, engine.begin() as connection:
        connection.execute(insert(nodes), {"id": "n", "lease_until_ms": 2**53})
    target = sqlite_url(tmp_path / "target.db")
    with pytest.raises(SourceError, match="a server is running on the source"):
        copied(empty_postgresql, target)
    assert not (tmp_path / "target.db").exists()


def test_a_concurrent_writer_is_noticed(empty_postgresql: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing serves what was copied until then."""
    migrate_url(empty_postgresql)
    target = sqlite_url(tmp_path / "target.db")

    def write_and_compare(*arguments: object) -> None:
        with opened(empty_postgresql) as engine, engine.begin() as connection:
            connection.execute(update(log_head).values(pos=8))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(copying, "compare", write_and_compare)
        with pytest.raises(SourceError, match="was written to while it was copied"):
            copied(empty_postgresql, target)
    with opened(target) as engine, pytest.raises(UnfinishedError):
        migrate(engine)
    assert copied(empty_postgresql, target).notes == [
        "Continuing an unfinished copy, although the source has changed since."
    ]
    assert contents(target) == expected_of(empty_postgresql)


# --- what cannot be stored --------------------------------------------------------------------------------------------


def test_a_text_that_postgresql_cannot_store_is_named(full_sqlite: URL, empty_postgresql: URL) -> None:
    with opened(full_sqlite) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE messages SET content = 'a' || char(0) || 'b' WHERE id = 97 * 17 + 1"))
    with pytest.raises(RowError, match=r"the row of messages with id 1650 cannot be moved: .*NUL") as caught:
        copied(full_sqlite, empty_postgresql)
    assert (caught.value.table, caught.value.key) == ("messages", {"id": 1650})
    with opened(empty_postgresql) as engine, pytest.raises(UnfinishedError):
        migrate(engine)
    # After this is fixed, the copy can be continued.
    with opened(full_sqlite) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE messages SET content = 'ab' WHERE id = 1650"))
    copied(full_sqlite, empty_postgresql)
    assert contents(empty_postgresql) == expected_of(full_sqlite)


def test_a_number_that_postgresql_cannot_store_is_named(full_sqlite: URL, empty_postgresql: URL) -> None:
    with opened(full_sqlite) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE messages SET reply_count = 2147483648 WHERE id = 98"))
    with pytest.raises(RowError, match=r"the row of messages with id 98 cannot be moved: .*out of range"):
        copied(full_sqlite, empty_postgresql)


def test_a_text_that_is_none_is_named(full_sqlite: URL, target: URL) -> None:
    with opened(full_sqlite) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE users SET name = CAST(x'61ff62' AS TEXT) WHERE id = '0'"))
    with pytest.raises(RowError, match=r"the row of users with id '0' cannot be moved: .* not valid Unicode"):
        copied(full_sqlite, target)


# --- the target -------------------------------------------------------------------------------------------------------


def test_an_empty_target_gets_its_tables_without_migrations(
    full_sqlite: URL, empty_sqlite: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("runs migrations")

    monkeypatch.setattr("talkwire.storage.migrations.upgrade", refuse)
    copied(full_sqlite, empty_sqlite)
    assert contents(empty_sqlite) == expected_of(full_sqlite)


def test_a_target_that_was_only_migrated_is_filled(full_sqlite: URL, target: URL) -> None:
    migrate_url(target)
    copied(full_sqlite, target)
    assert contents(target) == expected_of(full_sqlite)


def test_a_target_with_a_chat_of_its_own_is_left_as_it_is(full_sqlite: URL, target: URL) -> None:
    migrate_url(target)
    with opened(target) as engine, engine.begin() as connection:
        row = {"id": "alice", "name": "Alice", "banned": False, "created_ms": 1}
        connection.execute(insert(users), row)
    before = contents(target)
    with pytest.raises(TargetError, match="is not empty: there are rows in users"):
        copied(full_sqlite, target)
    assert contents(target) == before
    with opened(target) as engine:
        migrate(engine)


def test_a_target_whose_log_has_begun_is_left_as_it_is(full_sqlite: URL, target: URL) -> None:
    migrate_url(target)
    with opened(target) as engine, engine.begin() as connection:
        connection.execute(update(log_head).values(pos=1))
    with pytest.raises(TargetError, match="is not empty: its log has begun"):
        copied(full_sqlite, target)


@pytest.mark.parametrize("name", ["customers", "users"])
def test_foreign_tables_are_left_unchanged(full_sqlite: URL, target: URL, name: str) -> None:
    with opened(target) as engine, engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {name} (number integer)"))
    with pytest.raises(TargetError, match=f"it has a table {name}, which is not of Talkwire"):
        copied(full_sqlite, target)
    with opened(target) as engine:
        assert inspect(engine).get_table_names() == [name]


def test_a_whole_copy_is_left_as_it_is(full_sqlite: URL, target: URL) -> None:
    first = copy_database(full_sqlite, target, "the source", RecordedProgress())
    before = contents(target)
    again = copy_database(full_sqlite, target, "the source", RecordedProgress())
    assert (first.was_copied_before, again.was_copied_before) == (False, True)
    assert again == first
    assert contents(target) == before


def test_a_copy_that_has_changed_since_is_not_copied_to_again(full_sqlite: URL, target: URL) -> None:
    copied(full_sqlite, target)
    with opened(target) as engine, engine.begin() as connection:
        connection.execute(update(users).values(name="Somebody else"))
    before = contents(target)
    with pytest.raises(TargetError, match="has this chat already, or a whole copy of it"):
        copied(full_sqlite, target)
    assert contents(target) == before


def test_a_database_is_not_copied_to_itself(full_postgresql: URL) -> None:
    with pytest.raises(TargetError, match="has this chat already"):
        copied(full_postgresql, full_postgresql)


def test_two_copies_at_once_do_not_mix(
    full_sqlite: URL, empty_postgresql: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = copying.compare

    def copy_too(*arguments: object) -> None:
        with pytest.raises(TargetError, match="another process is filling the database"):
            copied(full_sqlite, empty_postgresql)
        compare(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "compare", copy_too)
    copied(full_sqlite, empty_postgresql)


# --- interruptions ----------------------------------------------------------------------------------------------------


class Interruption(Exception):
    """Interrupts a copy."""


@contextmanager
def interrupted_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> Iterator[None]:
    """Ends a copy after so many transactions of the target."""
    write, left = Target.write, [writes]

    def counted(self: Target, moved: MovedTable, rows: Sequence[Row]) -> None:
        if not left[0]:
            raise Interruption
        left[0] -= 1
        write(self, moved, rows)

    with monkeypatch.context() as until_then:
        until_then.setattr(Target, "write", counted)
        until_then.setattr(copying, "WRITTEN_ROWS", 1)
        until_then.setattr("talkwire.storage.transfer.source.BATCH_ROWS", 7)
        with pytest.raises(Interruption):
            yield


def test_a_copy_resumes_wherever_it_was_interrupted(source: URL, target: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    for writes in (0, 1, 9, 40, 60):
        with interrupted_after(monkeypatch, writes):
            copied(source, target)
        with opened(target) as engine, pytest.raises(UnfinishedError, match="unfinished copy of the source: run"):
            migrate(engine)
    written: list[int] = []
    write = Target.write

    def counting(self: Target, moved: MovedTable, rows: Sequence[Row]) -> None:
        written.append(len(rows))
        write(self, moved, rows)

    monkeypatch.setattr(Target, "write", counting)
    assert copied(source, target).notes == ["Continuing an unfinished copy."]
    assert contents(target) == expected_of(source)
    # 110 batches of at most seven rows had been written by then.
    assert 0 < sum(written) < len(moved_tables()) * ROWS - 110 * 5


def test_a_copy_is_not_continued_from_another_source(
    full_sqlite: URL, target: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted_after(monkeypatch, 9):
        copied(full_sqlite, target)
    other = sqlite_url(tmp_path / "other.db")
    migrate_url(other)
    with pytest.raises(TargetError, match="holds an unfinished copy of the source"):
        copied(other, target)
    copied(full_sqlite, target)
    assert contents(target) == expected_of(full_sqlite)


def test_rows_that_the_source_has_changed_are_copied_again(
    source: URL, target: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted_after(monkeypatch, 100):
        copied(source, target)
    with opened(source) as engine, engine.begin() as connection:
        connection.execute(update(users).where(users.c.id == "0").values(name="another"))
        connection.execute(users.delete().where(users.c.id == f"{chr(0x20)}1"))
        connection.execute(metadata.tables["blocks"].delete())
        connection.execute(update(messages).values(content="another"))
        connection.execute(update(log_head).values(pos=10_000))
    assert copied(source, target).notes == ["Continuing an unfinished copy, although the source has changed since."]
    assert contents(target) == expected_of(source)


def test_a_copy_that_is_not_the_same_is_not_served(
    full_sqlite: URL, target: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Target.write

    def forgetting(self: Target, moved: MovedTable, rows: Sequence[Row]) -> None:
        write(self, moved, rows[1:] if moved.name == "reactions" else rows)

    with monkeypatch.context() as then:
        then.setattr(Target, "write", forgetting)
        with pytest.raises(
            MismatchError, match=f"reactions differs from what was sent .{ROWS} rows were sent, {ROWS - 1}"
        ):
            copied(full_sqlite, target)
    with opened(target) as engine:
        with pytest.raises(UnfinishedError):
            migrate(engine)
        with pytest.raises(UnfinishedError):
            revision_of(engine)
    copied(full_sqlite, target)
    assert contents(target) == expected_of(full_sqlite)


def test_an_unfinished_copy_is_not_copied_on(
    full_sqlite: URL, target: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted_after(monkeypatch, 9):
        copied(full_sqlite, target)
    with pytest.raises(UnfinishedError):
        copied(target, sqlite_url(tmp_path / "next.db"))

"""A backup is restored completely, into either database, in a new epoch; and nothing else is restored."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, inspect, update
from sqlalchemy.engine import URL

from talkwire.storage.engine import sqlite_url
from talkwire.storage.migrations import migrate
from talkwire.storage.schema import files, metadata, users
from talkwire.storage.transfer import copying
from talkwire.storage.transfer.archive import ArchivePart, ArchiveReader, Contents
from talkwire.storage.transfer.backup import FILES_INCLUDED, BackedUp, Uploaded, write_backup
from talkwire.storage.transfer.errors import ArchiveError, MismatchError, TargetError
from talkwire.storage.transfer.restore import restore_database
from talkwire.storage.transfer.source import opened_source
from talkwire.storage.transfer.sqlite_file import copy_file
from talkwire.storage.transfer.tables import (
    COPIED_TABLES,
    HEAD_TABLE,
    TABLES_LEFT_OUT,
    TABLES_NOT_BACKED_UP,
    MovedTable,
    Row,
    moved_tables,
)
from talkwire.storage.transfer.target import Target
from talkwire.storage.unfinished import UnfinishedError
from tests.databases import migrate_url
from tests.storage.full_chat import LAST_MAIL, ROWS, next_mail
from tests.storage.moves import RecordedProgress, contents, opened

NOWHERE = Uploaded("s3://bucket/prefix")


def backed_up(source: URL, uploaded: Uploaded = NOWHERE) -> tuple[io.BytesIO, BackedUp]:
    file = io.BytesIO()
    with opened_source(source) as snapshot:
        return file, write_backup(snapshot, file, "1.2.3", uploaded, RecordedProgress())


def restored(file: io.BytesIO, target: URL, keep_file: Callable[[ArchivePart], None] | None = None) -> None:
    archive = ArchiveReader(file)
    restore_database(target, archive, "the backup", keep_file or no_file, RecordedProgress())


def no_file(part: ArchivePart) -> None:
    raise AssertionError(f"there is {part}")


@pytest.fixture
def backup(full_sqlite: URL) -> io.BytesIO:
    return backed_up(full_sqlite)[0]


# --- there and back ---------------------------------------------------------------------------------------------------


def test_everything_is_restored_but_sessions_and_leases(source: URL, target: URL) -> None:
    restored(backed_up(source)[0], target)
    before, after = contents(source), contents(target)
    (head,), (new_head,) = before.pop(HEAD_TABLE), after.pop(HEAD_TABLE)
    assert head[0::2] == new_head[0::2]
    assert head[1] != new_head[1]
    before |= {name: [] for name in TABLES_LEFT_OUT | TABLES_NOT_BACKED_UP}
    before |= _in_other_folders(before)
    assert after == before
    with opened(target) as engine:
        migrate(engine)
        assert next_mail(engine) == LAST_MAIL + 1


def _in_other_folders(rows: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Rows whose files' bytes went into folders that are not known yet."""
    changed = {}
    for name in ("files", "uploads"):
        place = [column.name for column in metadata.tables[name].columns].index("folder_id")
        changed[name] = [(*row[:place], None, *row[place + 1 :]) for row in rows[name]]
    return changed


def test_every_restore_is_another_epoch(backup: io.BytesIO, tmp_path: Path) -> None:
    epochs = set()
    for number in range(3):
        url = sqlite_url(tmp_path / f"{number}.db")
        restored(backup, url)
        epochs.add(contents(url)[HEAD_TABLE][0][1])
    assert len(epochs) == 3


def test_both_databases_have_the_same_backup(full_sqlite: URL, empty_postgresql: URL) -> None:
    """Except for its own description and time."""
    copying.copy_database(full_sqlite, empty_postgresql, "a", RecordedProgress())
    first, second = (
        {member.name: data for member, data in members_of(backed_up(url)[0])} for url in (full_sqlite, empty_postgresql)
    )
    assert {name for name in first if first[name] != second[name]} == {"backup.json", "sha256"}


def test_a_backup_is_one_moment(full_postgresql: URL, target: URL) -> None:
    """A backup contains nothing that was written while it was made."""
    before = contents(full_postgresql)

    class Writing(RecordedProgress):
        def begin(self, subject: str, total: int, unit: str = "rows") -> None:
            with opened(full_postgresql) as engine, engine.begin() as connection:
                for name in COPIED_TABLES:
                    connection.execute(metadata.tables[name].delete())

    file = io.BytesIO()
    with opened_source(full_postgresql) as snapshot:
        write_backup(snapshot, file, "1.2.3", NOWHERE, Writing())
    restored(file, target)
    after = contents(target)
    before |= _in_other_folders(before)
    assert {name: after[name] for name in COPIED_TABLES if name not in TABLES_NOT_BACKED_UP} == {
        name: before[name] for name in COPIED_TABLES if name not in TABLES_NOT_BACKED_UP
    }


def test_a_copy_of_an_open_sqlite_file_is_one_moment(full_sqlite: URL, tmp_path: Path) -> None:
    before = contents(full_sqlite)
    with opened(full_sqlite) as engine, engine.begin() as connection:
        connection.execute(update(users).values(name="not committed yet"))
        path = copy_file(tmp_path / "full.db", tmp_path)
        connection.execute(update(users).values(name="neither"))
    assert contents(sqlite_url(path)) == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_leftover_copies_are_removed(full_sqlite: URL, tmp_path: Path) -> None:
    left = copy_file(tmp_path / "full.db", tmp_path)
    path = copy_file(tmp_path / "full.db", tmp_path)
    assert (left.exists(), path.exists()) == (False, True)


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"this is no database at all, and not a short one either" * 100)
    with pytest.raises(OSError, match="could not be copied: file is not a database"):
        copy_file(tmp_path / "no.db", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["no.db"]


# --- uploaded files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def with_files(tmp_path: Path) -> tuple[URL, Uploaded, dict[str, bytes]]:
    """Returns a chat with uploaded files of many sizes, some with a thumbnail, and one whose bytes are missing."""
    url = sqlite_url(tmp_path / "files.db")
    migrate_url(url)
    random = Random(1)
    kept: dict[str, bytes] = {}
    with opened(url) as engine, engine.begin() as connection:
        for number, size in enumerate((0, 1, 511, 512, 513, 1024 * 1024, 3_000_001)):
            data = random.randbytes(size)
            id_, digest = f"{number:032x}", hashlib.sha256(data).hexdigest()
            row = {"id": id_, "owner_id": "a", "name": "n", "content_type": "t", "size": size, "digest": digest}
            connection.execute(insert(files), row | {"upload_length": size, "created_ms": number})
            kept[f"{id_}/{digest}/content"] = data
            if number % 2:
                kept[f"{id_}/{digest}/thumbnail"] = b"small"
        gone = dict.fromkeys(("owner_id", "name", "content_type"), "x") | {"id": "f" * 32, "digest": "0" * 64}
        connection.execute(insert(files), gone | {"size": 1, "upload_length": 1, "created_ms": 1})
    for name, data in kept.items():
        path = tmp_path / "bytes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def find(file_id: str, digest: str) -> Iterator[tuple[str, Path]]:
        for part in ("content", "thumbnail"):
            yield part, tmp_path / "bytes" / file_id / digest / part

    return url, Uploaded(FILES_INCLUDED, find), kept


def test_the_bytes_of_files_come_back(with_files: tuple[URL, Uploaded, dict[str, bytes]], tmp_path: Path) -> None:
    url, uploaded, expected = with_files
    file, done = backed_up(url, uploaded)
    assert (done.files, done.missing) == (7, 1)
    kept: dict[str, bytes] = {}
    restored(file, sqlite_url(tmp_path / "new.db"), lambda part: kept.update({"/".join(part.names): part.file.read()}))
    assert kept == {f"files/{name}": data for name, data in expected.items()}
    assert ArchiveReader(file).sums.files == 7


def test_files_that_are_elsewhere_are_left_there(backup: io.BytesIO) -> None:
    archive = ArchiveReader(backup)
    assert (archive.contents.files, archive.sums.files) == ("s3://bucket/prefix", 0)


# --- the file ---------------------------------------------------------------------------------------------------------


def members_of(file: io.BytesIO) -> list[tuple[tarfile.TarInfo, bytes]]:
    """As any tar reads it."""
    file.seek(0)
    with tarfile.open(fileobj=file) as archive:
        found = [(member, archive.extractfile(member)) for member in archive.getmembers()]
        return [(member, content.read()) for member, content in found if content is not None]


def test_any_tar_reads_it(backup: io.BytesIO, full_sqlite: URL) -> None:
    found = members_of(backup)
    contents = msgspec.json.decode(found[0][1], type=Contents)
    assert found[0][0].name == "backup.json"
    assert (contents.format, contents.program, contents.database) == (1, "1.2.3", "sqlite")
    assert found[-1][0].name == "sha256"
    end = found[-1][0].offset
    assert found[-1][1].decode().strip() == hashlib.sha256(backup.getvalue()[:end]).hexdigest()
    assert {member.mode for member, _ in found} == {0o600}
    unfinished = {"sessions", "session_rooms", "ended_nodes", "logins", "nodes", "online"}
    assert not any(name in member.name.split("/") for member, _ in found for name in unfinished)


def test_a_backup_that_was_cut_off_is_refused_wherever_that_was(backup: io.BytesIO, tmp_path: Path) -> None:
    whole = backup.getvalue()
    ends = {0, 1, 511, 512, 513, 2000, *Random(2).sample(range(len(whole) - 2048), 40), len(whole) - 2048}
    for end in sorted(ends):
        with pytest.raises(ArchiveError, match=r"is no backup of Talkwire|was cut off"):
            ArchiveReader(io.BytesIO(whole[:end]))


def test_a_backup_that_was_changed_is_refused_wherever_that_was(backup: io.BytesIO) -> None:
    whole = backup.getvalue()
    # The last two blocks are what every tar ends with, and before them the last member's is filled up.
    last = len(whole) - 1024 - 512 + 64
    for place in (*Random(3).sample(range(last), 300), last - 1):
        changed = bytearray(whole)
        changed[place] ^= 1 << Random(place).randrange(8)
        with pytest.raises(ArchiveError):
            ArchiveReader(io.BytesIO(changed))


def test_a_file_that_is_no_backup_is_refused() -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("something.txt"))
    for data in (b"", b"\0" * 4096, b"no tar at all" * 1000, archive.getvalue()):
        with pytest.raises(ArchiveError, match="is no backup of Talkwire"):
            ArchiveReader(io.BytesIO(data))


def test_a_format_of_the_future_is_refused(backup: io.BytesIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talkwire.storage.transfer.archive.ARCHIVE_FORMAT", 0)
    with pytest.raises(ArchiveError, match="is a backup of format 1, and this version of Talkwire reads 0"):
        ArchiveReader(backup)


# --- versions ---------------------------------------------------------------------------------------------------------


def test_tables_of_the_future_are_refused(full_sqlite: URL, target: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("talkwire.storage.transfer.source.revision_of", lambda _: "9999")
        later.setattr("talkwire.storage.transfer.source.newest_revision", lambda: "9999")
        file, _ = backed_up(full_sqlite)
    with pytest.raises(ArchiveError, match="has tables of version 9999, of a newer Talkwire"):
        restored(file, target)


def test_a_backup_of_an_older_version_gets_the_newest_tables(
    full_sqlite: URL, target: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Makes a backup as version 0004 would have: without later columns."""
    with monkeypatch.context() as earlier:
        earlier.setattr("talkwire.storage.transfer.backup.moved_tables", _tables_of_0004)
        earlier.setattr("talkwire.storage.transfer.source.revision_of", lambda _: "0004")
        earlier.setattr("talkwire.storage.transfer.source.newest_revision", lambda: "0004")
        file, _ = backed_up(full_sqlite)
    restored(file, target)
    before, after = contents(full_sqlite), contents(target)
    changed = LATER_COLUMNS.keys() | REPAIRED
    for name in set(COPIED_TABLES) - TABLES_NOT_BACKED_UP - LATER_TABLES - changed:
        assert after[name] == before[name]
    for name in changed:
        assert len(after[name]) == len(before[name])
    with opened(target) as engine:
        migrate(engine)


LATER_COLUMNS = {
    "accounts": {"role"},
    "file_links": {"kind"},
    "message_versions": {"parts"},
    "files": {"animated", "due_ms", "folder_id"},
    "uploads": {"claimed_ms", "folder_id"},
    "members": {
        "history_pos",
        "marked_seq",
        "marked_sent",
        "marked_at_seq",
        "favourite",
        "archived_seq",
        "unmute_ms",
        "section",
        "own",
        "via",
        "own_history_seq",
        "own_history_pos",
        "listed",
    },
    "notifications": {"body"},
    "offers": {"deleted_ms", "deleted_by", "title_by", "description_by"},
    "presence": {"status_until_ms", "text_until_ms"},
    "spans": {"history_pos"},
    "users": {"metadata", "named", "erased", "hold", "read_receipts", "handle", "ban_reason", "ban_until_ms"}
    | {"backend", "search_name", "kind", "owner_id"},
    "conversations": {"retention_days", "hold", "pruned_seq", "topic", "description", "offer_pos", "folded_name"}
    | {"notify", "team_ids", "handler_id", "closed", "waiting_since_ms", "notes_id", "notes_of"}
    | {"agents", "has_agents"},
}
"""The columns that tables have since versions after 0004."""

LATER_TABLES = frozenset(
    {"invitations", "imports", "erasures", "webhooks", "webhook_retries", "webhook_attempts"}
    | {"provider_identities", "thread_follows", "saved_messages", "audit", "reports", "push_removals", "name_parts"}
    | {"teams", "team_members", "conversation_teams", "team_changes"}
    | {"conversation_keys", "indexed_keys", "source_quotes", "stopped_answers", "streams", "timers"}
    | {"message_ratings", "rating_sums", "open_cards", "card_choices", "turns", "turn_messages", "agent_places"}
)

REPAIRED = frozenset({"offers"})
"""Tables of which the migration that repairs what cannot be shown changes rows of the tests."""


def _tables_of_0004(*, without: Iterable[str] = ()) -> list[MovedTable]:
    return [
        MovedTable(moved.name, {k: v for k, v in moved.columns.items() if k not in later}, moved.key)
        for moved in moved_tables(without={*without, *LATER_TABLES})
        for later in [LATER_COLUMNS.get(moved.name, set())]
    ]


# --- the target -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        MovedTable("users FROM PROGRAM 'true' --", {"id": "text"}, ("id",)),
        MovedTable("users", {"id) FROM PROGRAM 'true' --": "text"}, ()),
        MovedTable("pg_authid", {"rolname": "text"}, ("rolname",)),
    ],
)
def test_names_that_are_none_of_ours_are_in_no_statement(backup: io.BytesIO, target: URL, forged: MovedTable) -> None:
    """The author of the file may have written anything into it, with a valid checksum."""
    archive = ArchiveReader(backup)
    archive.contents = msgspec.structs.replace(archive.contents, tables=(forged,))
    with pytest.raises(ArchiveError, match="has a table that"):
        restore_database(target, archive, "forged", no_file, RecordedProgress())
    with opened(target) as connection:
        assert "users" not in inspect(connection).get_table_names(), "nothing was written"


def test_a_database_that_is_not_empty_is_left_as_it_is(backup: io.BytesIO, target: URL) -> None:
    migrate_url(target)
    with opened(target) as engine, engine.begin() as connection:
        connection.execute(insert(users), {"id": "alice", "name": "Alice", "banned": False, "created_ms": 1})
    before = contents(target)
    with pytest.raises(TargetError, match="is not empty: there are rows in users"):
        restored(backup, target)
    assert contents(target) == before


def test_the_chat_itself_is_not_restored_over(backup: io.BytesIO, full_sqlite: URL) -> None:
    before = contents(full_sqlite)
    with pytest.raises(TargetError, match="has this chat already"):
        restored(backup, full_sqlite)
    assert contents(full_sqlite) == before


def test_an_interrupted_restore_is_not_served_and_is_done_again(
    backup: io.BytesIO, target: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interruption(Exception):
        """Interrupts a restore."""

    write = Target.write
    for name in ("users", "messages", "log"):

        def until(self: Target, moved: MovedTable, rows: list[Row], last: str = name) -> None:
            if moved.name == last:
                raise Interruption
            write(self, moved, rows)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Target, "write", until)
            with pytest.raises(Interruption):
                restored(backup, target)
        with opened(target) as engine, pytest.raises(UnfinishedError, match="unfinished restore of the backup"):
            migrate(engine)
    restored(backup, target)
    assert len(contents(target)["messages"]) == ROWS


def test_an_unfinished_copy_is_not_restored_over(
    backup: io.BytesIO, full_sqlite: URL, target: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Target, "finish", lambda *_: None)
        copying.copy_database(full_sqlite, target, "the source", RecordedProgress())
    with pytest.raises(TargetError, match="holds an unfinished copy of the source"):
        restored(backup, target)


def test_a_restore_that_is_not_the_same_is_not_served(
    backup: io.BytesIO, target: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Target.write

    def forgetting(self: Target, moved: MovedTable, rows: list[Row]) -> None:
        write(self, moved, rows[1:] if moved.name == "reactions" else rows)

    with monkeypatch.context() as then:
        then.setattr(Target, "write", forgetting)
        with pytest.raises(MismatchError, match="reactions differs from what was sent"):
            restored(backup, target)
    with opened(target) as engine, pytest.raises(UnfinishedError):
        migrate(engine)

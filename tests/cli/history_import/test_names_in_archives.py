"""The files of an export are found, however the program that packed or unpacked it writes their names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest

from talkwire.cli.history_import.archive import Archive
from tests.cli.history_import.conftest import Command, counts, dropped, failure
from tests.cli.history_import.exports import (
    PIXEL,
    START_MS,
    Files,
    lines,
    mattermost_user,
    slack_message,
    slack_user,
    write_folder,
    write_zip,
)

GUIDES = ("ガイド.txt", "Übersicht.txt", "résumé.txt", "한글.txt", "Ελλάδα.txt")


def slack() -> Files:
    attached = [
        slack_message(f"157788000{n}.0", "U1", "See", files=[{"id": f"F{n}", "name": name}])
        for n, name in enumerate(GUIDES)
    ]
    return {
        "users.json": [slack_user("U1", "ann")],
        "channels.json": [{"id": "C1", "name": "größe", "members": ["U1"]}],
        "groups.json": [{"id": "G1", "name": "новости", "members": ["U1"]}],
        "größe/2020-01-01.json": attached,
        "новости/2020-01-01.json": [slack_message("1577880000.0", "U1", "Hi")],
        **{f"__uploads/F{n}/{name}": b"content" for n, name in enumerate(GUIDES[:3])},
        **{f"größe/attachments/F{n}-{GUIDES[n]}": b"content" for n in (3, 4)},
    }


def mattermost() -> Files:
    place = {"team": "team", "channel": "town-square", "user": "ann", "create_at": START_MS}
    posts = [{"type": "post", "post": {**place, "message": "See", "attachments": [{"path": f"a/{n}"} for n in GUIDES]}}]
    channel = {"team": "team", "name": "town-square", "type": "O"}
    found = [
        {"type": "version", "version": 1},
        {"type": "channel", "channel": channel},
        mattermost_user("ann", "", profile_image="faces/größe.png"),
        *posts,
    ]
    files = {f"data/a/{name}": b"content" for name in GUIDES}
    return {"import.jsonl": lines(found), "data/faces/größe.png": PIXEL, **files}


def rocketchat() -> Files:
    at, ann = {"$date": START_MS}, {"_id": "ann", "username": "ann", "__rooms": ["r"]}
    message = {"_id": "m", "rid": "r", "msg": "See", "ts": at, "u": ann, "file": {"_id": "f1", "name": "größe.txt"}}
    return {
        "users.json": lines([ann]),
        "rocketchat_room.json": lines([{"_id": "r", "t": "c", "name": "größe", "ts": at}]),
        "rocketchat_message.json": lines([message]),
        "uploads/f1.txt": b"content",
    }


MACS = {"__MACOSX/export/._users.json": b"\0", "__MACOSX/._import.jsonl": b"\0", "a/._import.jsonl": b"\0"}


def renamed(files: Files, change: Callable[[str], str]) -> Files:
    return {change(name): value for name, value in files.items()}


def without_flag(path: Path) -> Path:
    """Removes the flag that says that names are UTF-8 from all headers of a zip file."""
    headers = re.compile(rb"(PK\x03\x04..|PK\x01\x02....)(.)(.)", re.DOTALL)
    path.write_bytes(headers.sub(lambda m: m[1] + m[2] + bytes([m[3][0] & 0xF7]), path.read_bytes()))
    return path


def with_backslashes(path: Path, files: Files) -> Path:
    """Writes a zip file in which the separators of names are backslashes, as some programs on Windows do."""
    write_zip(path, renamed(files, lambda name: name.replace("/", "\\")))
    assert any("\\" in each.filename for each in zipfile.ZipFile(path).infolist())
    return path


FORMS: dict[str, Callable[[Path, Files], Path]] = {
    "zip": lambda path, files: write_zip(path / "a.zip", files),
    "no flag": lambda path, files: without_flag(write_zip(path / "a.zip", files)),
    "backslashes": lambda path, files: with_backslashes(path / "a.zip", files),
    "backslashes in a folder": lambda path, files: write_folder(path, renamed(files, lambda n: n.replace("/", "\\"))),
    "decomposed": lambda path, files: write_zip(path / "a.zip", renamed(files, lambda name: normalize("NFD", name))),
    "decomposed in a folder": lambda path, files: write_folder(path, renamed(files, lambda n: normalize("NFD", n))),
    "in a folder": lambda path, files: write_zip(path / "a.zip", {**renamed(files, lambda n: f"export/{n}"), **MACS}),
    "in three folders": lambda path, files: write_folder(path, renamed(files, lambda name: f"a/b ü/c/{name}")),
    "dots": lambda path, files: write_zip(path / "a.zip", renamed(files, lambda name: f"./{name}")),
    "backslashes, no flag, in a folder": lambda path, files: without_flag(
        with_backslashes(path / "a.zip", renamed(files, lambda name: f"Übung/{normalize('NFD', name)}"))
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("export", [slack, mattermost, rocketchat])
def test_an_export_is_read_in_each_form_of_its_names(
    command: Command, tmp_path: Path, export: Callable[[], Files], form: str
) -> None:
    plain = command("import", export.__name__, str(write_folder(tmp_path / "plain", export())), "--dry-run")
    assert counts(plain)["files"] == (1 if export is rocketchat else len(GUIDES))
    assert dropped(plain) == {}
    (tmp_path / "form").mkdir()
    found = command("import", export.__name__, str(FORMS[form](tmp_path / "form", export())), "--dry-run")
    assert (counts(found), dropped(found)) == (counts(plain), {})


def test_a_name_of_code_page_437_stays_as_it_is(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"caf_.txt": b""})
    path.write_bytes(path.read_bytes().replace(b"caf_.txt", b"caf\x82.txt"))
    with Archive(path) as archive:
        assert archive.names() == ["café.txt"]


@pytest.mark.parametrize("name", ["old_users.json", "users.json.bak", "xusers.json", "a/b/users.json"])
def test_another_file_is_not_taken_for_the_list_of_users(command: Command, tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "a.zip", {**renamed(slack(), lambda each: f"export/{each}"), name: "[]"})
    assert counts(command("import", "slack", str(path), "--dry-run"))["messages"] == 6


def test_two_exports_in_one_archive_are_refused(command: Command, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {**renamed(slack(), lambda name: f"export/{name}"), "backup/users.json": "[]"})
    text = failure(command("import", "slack", str(path), "--dry-run"))
    assert "has several exports, in backup/ and export/: import each by itself" in text


@pytest.mark.parametrize("twin", ["größe/./2020-01-01.json", "größe\\2020-01-01.json", "gro\u0308ße/2020-01-01.json"])
def test_two_files_of_one_name_are_refused_unless_they_are_the_same(
    command: Command, tmp_path: Path, twin: str
) -> None:
    export = slack()
    same = write_zip(tmp_path / "same.zip", {**export, twin: export["größe/2020-01-01.json"]})
    assert counts(command("import", "slack", str(same), "--dry-run"))["messages"] == 6
    other = write_zip(tmp_path / "other.zip", {**export, twin: "[]"})
    text = failure(command("import", "slack", str(other), "--dry-run"))
    assert "two different files are named größe/2020-01-01.json: rename or remove one of them" in text


def test_files_that_macos_adds_twice_are_no_error(command: Command, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {**slack(), "größe/.DS_Store": "a", "gro\u0308ße/.DS_Store": "b"})
    assert counts(command("import", "slack", str(path), "--dry-run"))["messages"] == 6


def test_a_folder_that_cannot_be_read_is_an_error(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, who reads every folder."""

    def walk(folder: Path, onerror: Callable[[OSError], None]) -> list[object]:
        onerror(PermissionError(13, "Permission denied", f"{folder}/general"))
        return []

    monkeypatch.setattr("talkwire.cli.history_import.archive.os.walk", walk)
    result = command("import", "slack", str(write_folder(tmp_path / "export", slack())), "--dry-run")
    assert "general: cannot be read (Permission denied)" in failure(result)

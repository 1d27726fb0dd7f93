"""Whatever the documents of an export contain, an import ends with counts or with a sentence that names the file."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.cli import main
from tests.cli.conftest import CommandResult
from tests.cli.history_import.conftest import Command, captured, counts, dropped, failure, messages
from tests.cli.history_import.exports import (
    PIXEL,
    Files,
    lines,
    mattermost_export,
    mattermost_user,
    rocketchat_export,
    slack_export,
    slack_message,
    slack_user,
    write_folder,
    write_zip,
)


def deep(levels: int, value: object = 7) -> object:
    for _ in range(levels):
        value = {"a": [value]}
    return value


ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 7, 10**30, 1.5, 1e308, float("nan"), float("inf")),
    *("", " ", "7", "1577880000.0", "2020-01-01T12:00:00", "\x00", "\ud800", "e\u0301", "x" * 300, "U1", "+1", "@"),
    *("data:image/png;base64,iVBORw0KGgo=", "//example.com/a.png", "../users.json", "ftp://example.com/a", "https://["),
    *("general", "/", "a/b", "..", "C:\\x", "__uploads", "1577880000.000100", "0001-01-01T00:00:00+14:00"),
    *([], {}, [[]], [None], ["text"], [7], {"a": 1}, {"value": []}, {"id": 7}, [{}], [{"id": {}}], deep(150)),
    *({"$date": "x"}, {"$date": 1.5}, {"$date": {"$numberLong": "--5"}}, {"$numberLong": "9" * 30}, {"$oid": 7}),
    *({"$date": {"$date": [1]}}, {"messages": [{"ts": 1}]}, {"ok": True, "channels": [{"id": "C9", "name": "x"}]}),
)


def parsed(files: Files) -> dict[str, Any]:
    """Returns files whose JSON Lines are lists of objects, so that they can be changed."""
    return {
        name: [json.loads(line) for line in value.splitlines() if line[0] == "{" and line[-1] == "}"]
        if isinstance(value, str)
        else copy.deepcopy(value)
        for name, value in files.items()
    }


def places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 (JSON)
    """Yields all places in a JSON value, as an object or list and the key of one of its members."""
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield value, key
        yield from places(member)


@st.composite
def changed(draw: st.DrawFn, files: dict[str, Any]) -> dict[str, Any]:
    """Draws an export in which some values are others, or missing."""
    files = copy.deepcopy(files)
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(files))
        holder, key = found[draw(st.integers(0, len(found) - 1))]
        if isinstance(holder, dict) and holder is not files and draw(st.integers(0, 4)) == 0:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return files


def dry_run(source: str, folder: Path, files: dict[str, Any], lines_in: Callable[[str], bool]) -> CommandResult:
    for each in folder.rglob("*"):
        if each.is_file():
            each.unlink()
    written = {name: _content(value, is_lines=lines_in(name)) for name, value in files.items()}
    write_folder(folder, written)
    with captured() as result:
        return result(main(["import", source, str(folder), "--dry-run"]))


def _content(value: object, *, is_lines: bool) -> object:
    if isinstance(value, list) and is_lines:
        return "".join(f"{json.dumps(each)}\n" for each in value)
    return value if isinstance(value, bytes) else json.dumps(value)


def check(result: CommandResult) -> None:
    if result.exit_code:
        assert ".json" in failure(result)
    else:
        found, imported, before, lost = messages(result)
        assert (found, before) == (imported + lost, 0)
        assert counts(result).get("messages", 0) == imported


OTHER_SHAPES: tuple[Any, ...] = ({}, {"a": [], "b": []}, {"ok": False, "error": "x"}, "[]", 7, None, True)
LISTS = ("users.json", "channels.json", "groups.json", "mpims.json", "dms.json", "general/2020-01-01.json")


@pytest.mark.parametrize("name", [*LISTS, "org_users.json", "canvases.json", "teams/north/channels.json"])
def test_a_document_of_another_shape_is_refused_by_its_name(command: Command, tmp_path: Path, name: str) -> None:
    for shape in OTHER_SHAPES:
        path = write_folder(tmp_path / "export", {**slack_export(), name: json.dumps(shape)})
        text = failure(command("import", "slack", str(path), "--dry-run"))
        assert f"{name} is no list, but " in text
        assert text.endswith(": replace it by the file of the original export, or remove it")


def test_answers_of_the_api_are_read_as_the_lists_in_them(command: Command, tmp_path: Path) -> None:
    export = slack_export()
    plain = command("import", "slack", str(write_folder(tmp_path / "plain", export)), "--dry-run")
    for name, value in export.items():
        if isinstance(value, list):
            export[name] = {"ok": True, "items": value, "has_more": False, "response_metadata": {"next_cursor": ""}}
    found = command("import", "slack", str(write_folder(tmp_path / "api", export)), "--dry-run")
    assert (counts(found), dropped(found)) == (counts(plain), dropped(plain))


@pytest.mark.parametrize(
    "first", ["", "{broken", "[]", '{"type": "post"}', '{"type": "version", "version": "1"}', "[" * 10**5]
)
def test_lines_that_do_not_begin_as_an_export_of_mattermost_are_refused(
    command: Command, tmp_path: Path, first: str
) -> None:
    path = write_folder(tmp_path / "export", {"import.jsonl": f"\n{first}\n" + lines([mattermost_user("ann", "")])})
    text = failure(command("import", "mattermost", str(path), "--dry-run"))
    assert "import.jsonl begins with no version 1 of Mattermost's bulk export" in text


def test_pictures_of_users_that_are_no_addresses_are_left_out_and_counted(command: Command, tmp_path: Path) -> None:
    pictures = (
        "xK2 anonymized",
        "data:image/png;base64,iVBORw0KGgo=",
        "//a.example.com/a.png",
        "../users.json",
        "ftp://a/b",
    )
    users = [{**slack_user(f"U{n}", f"ann{n}"), "profile": {"image_512": each}} for n, each in enumerate(pictures)]
    path = write_folder(tmp_path / "slack", {"users.json": users})
    assert dropped(command("import", "slack", str(path), "--dry-run", "--download")) == {
        "pictures of users whose address is invalid": 5
    }
    found = [{"type": "version", "version": 1}]
    found += [mattermost_user(f"ann{n}", "", profile_image=each) for n, each in enumerate(pictures)]
    path = write_folder(tmp_path / "mattermost", {"a.jsonl": lines(found), "users.json": PIXEL})
    assert dropped(command("import", "mattermost", str(path), "--dry-run")) == {
        "pictures of users that the export does not contain": 5
    }


def test_no_bytes_in_a_zip_file_end_an_import_with_a_traceback(command: Command, tmp_path: Path) -> None:
    """Damages each byte of the headers of a small export, one at a time."""
    whole = write_zip(tmp_path / "whole.zip", {"users.json": [slack_user("U1", "ann")], "größe/2020-01-01.json": []})
    content = whole.read_bytes()
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] ^= 0xA5
        (tmp_path / "damaged.zip").write_bytes(damaged)
        result = command("import", "slack", str(tmp_path / "damaged.zip"), "--dry-run")
        assert result.exit_code == 0 or failure(result)


SLACK, MATTERMOST, ROCKETCHAT = map(parsed, (slack_export(), mattermost_export(), rocketchat_export()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random")


def with_day(**more: object) -> dict[str, Any]:
    return {**SLACK, "general/2020-01-01.json": [slack_message("1577880000.0", "U0ANN", "Hi", **more)]}


@given(changed(SLACK))
@example(with_day(type=["message"]))
@example(with_day(files=[{"mode": []}]))
@example(with_day(blocks=[{"type": {}}]))
@example(with_day(reactions=[{"name": "+1", "users": [], "count": float("nan")}]))
@example({**SLACK, "users.json": [float("inf")]})
def test_any_documents_of_slack_are_read_or_refused(folder: Path, files: dict[str, Any]) -> None:
    check(dry_run("slack", folder, files, lambda _: False))


@given(changed(MATTERMOST))
def test_any_lines_of_mattermost_are_read_or_refused(folder: Path, files: dict[str, Any]) -> None:
    check(dry_run("mattermost", folder, files, lambda name: name.endswith(".jsonl")))


@given(changed(ROCKETCHAT))
@example({**ROCKETCHAT, "dump/rocketchat_room.json": [{"_id": "r", "t": "c", "ts": {"$date": {"$numberLong": "--5"}}}]})
def test_any_lines_of_rocketchat_are_read_or_refused(folder: Path, files: dict[str, Any]) -> None:
    check(dry_run("rocketchat", folder, files, lambda name: name.endswith(".json")))

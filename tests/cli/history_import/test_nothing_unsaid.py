"""What is in an export is imported, or counted with its reason, or named: one sum adds up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.cli import main
from tests.cli.conftest import CommandResult
from tests.cli.history_import.conftest import (
    Command,
    Receiver,
    captured,
    counts,
    dropped,
    failure,
    messages,
    unused,
)
from tests.cli.history_import.exports import (
    START_MS,
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

BROKEN = "{broken"
NAMES = ("general", "größe", "teams", "D0X", "attachments", "a b")
STRAYS = ("notes/readme.txt", "old_users.json", "x/messages.json", "data/lost.png", "uploads/lost.png", "b/c.jsonl")
KINDS = st.lists(
    st.sampled_from(["said", "said", "joined", "empty", "timeless", "text", "repeated", "deleted"]), max_size=4
)


@st.composite
def slack(draw: st.DrawFn) -> tuple[Files, int]:
    """Draws an export of Slack, and returns it with the number of messages in it."""
    files: dict[str, Any] = {"users.json": [slack_user("U1", "ann"), slack_user("U2", "ben")]}
    total, number = 0, 0
    for place in draw(st.sampled_from([[""], ["", "teams/north/", "teams/south/"]])):
        channels: list[dict[str, Any]] = []
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
            number += 1
            if draw(st.integers(0, 3)):
                key = name if name == "D0X" else f"C{number}"
                channels.append({"id": key, "name": name, "members": draw(st.sampled_from([[], ["U1"], ["U1", "U2"]]))})
            if draw(st.integers(0, 3)):
                kinds = draw(KINDS)
                total += len(kinds) - len(files.get(f"{place}{name}/2020-01-0{number % 3 + 1}.json", []))
                files[f"{place}{name}/2020-01-0{number % 3 + 1}.json"] = [
                    SLACK[kind](n) for n, kind in enumerate(kinds)
                ]
        files[f"{place}{draw(st.sampled_from(['channels.json', 'groups.json', 'mpims.json', 'dms.json']))}"] = channels
    return files, total


SLACK: dict[str, Callable[[int], object]] = {
    "said": lambda n: slack_message(f"15778800{n:02}.0", f"U{n}", f"{n}"),
    "joined": lambda n: slack_message(f"15778800{n:02}.0", "U1", "joined", subtype="channel_join"),
    "empty": lambda n: slack_message(f"15778800{n:02}.0", "U1", ""),
    "timeless": lambda n: slack_message("never", "U1", "Hi"),
    "text": lambda n: "text",
    "repeated": lambda n: slack_message("1577880099.0", "U1", "Again"),
    "deleted": lambda n: slack_message(f"15778800{n:02}.0", "U1", "This was deleted", subtype="tombstone"),
}


@st.composite
def mattermost(draw: st.DrawFn) -> tuple[Files, int]:
    """Draws an export of Mattermost, and returns it with the number of messages in it, with lines that are no JSON."""
    found: list[object] = [{"type": "version", "version": 1}, mattermost_user("ann", ""), mattermost_user("ben", "")]
    found += [{"type": "channel", "channel": {"team": "team", "name": "town-square", "type": "O"}}]
    total = 0
    for number, kind in enumerate(draw(KINDS)):
        replies = draw(KINDS)
        total += 1 + len(replies)
        if kind == "text":
            found.append(BROKEN)
            total -= len(replies)
            continue
        body = {**mattermost_post(kind, number), "replies": [mattermost_post(each, number) for each in replies]}
        channel = draw(st.sampled_from(["town-square", "lost"]))
        found.append({"type": "post", "post": {"team": "team", "channel": channel, **body}})
    for members in draw(st.lists(st.sampled_from([[], ["ann", "ben"], ["ann", "ben", "cleo"]]), max_size=2)):
        total += 1
        found.append({"type": "direct_post", "direct_post": {"channel_members": members, **mattermost_post("said", 1)}})
    return {"export.jsonl": lines(found)}, total


def mattermost_post(kind: str, number: int) -> Any:  # noqa: ANN401 (JSON)
    post: dict[str, Any] = {"user": "ann", "message": f"{number}", "create_at": START_MS + number}
    return {
        "joined": {**post, "type": "system_join_channel"},
        "empty": {**post, "message": ""},
        "timeless": {**post, "create_at": "never"},
        "text": {},
        "deleted": {**post, "delete_at": 1},
    }.get(kind, post)


@st.composite
def rocketchat(draw: st.DrawFn) -> tuple[Files, int]:
    """Draws collections of Rocket.Chat, and returns them with the number of messages, with lines that are no JSON."""
    ann = {"_id": "ann", "username": "ann", "__rooms": ["c", "e"]}
    rooms = [{"_id": kind, "t": kind, "name": kind} for kind in draw(st.sets(st.sampled_from("cpdle"), min_size=1))]
    found: list[object] = [{"_id": "first", "rid": "c", "msg": "Hi", "ts": {"$date": START_MS}, "u": ann}]
    for number, kind in enumerate(draw(KINDS) + draw(KINDS)):
        room = draw(st.sampled_from("cpdlex"))
        message = {"_id": f"m{number}", "rid": room, "msg": "Hi", "ts": {"$date": START_MS + number}, "u": ann}
        change: dict[str, Any] = {
            "joined": {"t": "uj"},
            "empty": {"msg": ""},
            "timeless": {"ts": "never"},
            "repeated": {"_id": "first"},
            "deleted": {"t": "rm"},
        }.get(kind, {})
        found.append(BROKEN if kind == "text" else {**message, **change})
    return {
        "users.json": lines([ann]),
        "rocketchat_room.json": lines(rooms),
        "rocketchat_message.json": lines(found),
    }, len(found)


@st.composite
def with_strays(draw: st.DrawFn, export: st.SearchStrategy[tuple[Files, int]]) -> tuple[Files, int, list[str]]:
    """Draws an export, in a folder or not, with files that belong to nothing; returns those, too."""
    files, total = draw(export)
    strays = sorted(draw(st.sets(st.sampled_from(STRAYS))))
    folder = draw(st.sampled_from(["", "export/"]))
    found = {f"{folder}{name}": value for name, value in files.items()}
    return {**found, **{f"{folder}{name}": "x" for name in strays}}, total, [f"{folder}{name}" for name in strays]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random") / "export.zip"


def check(source: str, place: Path, drawn: tuple[Files, int, list[str]]) -> CommandResult:
    files, total, strays = drawn
    with captured() as result:
        found = result(main(["import", source, str(write_zip(place, files)), "--dry-run"]))
    in_export, imported, before, lost = messages(found)
    assert (in_export, before) == (total, 0)
    assert in_export == imported + lost
    assert counts(found).get("messages", 0) == imported
    assert unused(found) == strays
    return found


@given(with_strays(slack()))
def test_the_sum_of_an_export_of_slack_adds_up(place: Path, drawn: tuple[Files, int, list[str]]) -> None:
    check("slack", place, drawn)


@given(with_strays(mattermost()))
def test_the_sum_of_an_export_of_mattermost_adds_up(place: Path, drawn: tuple[Files, int, list[str]]) -> None:
    check("mattermost", place, drawn)


@given(with_strays(rocketchat()))
def test_the_sum_of_an_export_of_rocketchat_adds_up(place: Path, drawn: tuple[Files, int, list[str]]) -> None:
    check("rocketchat", place, drawn)


@given(slack(), st.data())
def test_an_unreadable_file_is_named_and_nothing_is_imported(
    place: Path, drawn: tuple[Files, int], data: st.DataObject
) -> None:
    files, _ = drawn
    name = data.draw(st.sampled_from(sorted(files)))
    with captured() as result:
        found = result(main(["import", "slack", str(write_zip(place, {**files, name: BROKEN})), "--dry-run"]))
    assert f"{name} is not JSON" in failure(found)


def test_folders_that_no_list_names_are_imported_by_their_names(imported: Command, receiver: Receiver) -> None:
    day = [slack_message("1577880000.0", "UNOANN", "Hi"), slack_message("1577880001.0", "UNOBEN", "Hi!")]
    export = {
        "users.json": [slack_user("UNOANN", "noann"), slack_user("UNOBEN", "noben"), slack_user("UNOCLEO", "nocleo")],
        "channels.json": [{"name": "no-id", "members": ["UNOANN"]}],
        **{f"{name}/2020-01-01.json": day for name in ("secret-plans", "D0FORGOT", "FC:F012345:Roadmap", "no-id")},
    }
    result = imported("slack", export)
    assert (messages(result), unused(result)) == ((8, 8, 0, 0), [])
    assert dropped(result) == {
        "conversations that no list names, imported by the name of their folder": 4,
        "conversations without an id": 1,
    }
    found = {each["name"]: each for each in receiver.conversations("UNOBEN")}
    assert sorted(found) == ["D0FORGOT", "FC:F012345:Roadmap", "no-id", "secret-plans"]
    assert {(each["kind"], each["public"]) for each in found.values()} == {("group", False)}
    assert receiver.conversations("UNOCLEO") == []
    assert messages(imported("slack", export)) == (8, 0, 8, 0)


def test_of_two_conversations_of_one_name_the_first_has_the_folder(command: Command, tmp_path: Path) -> None:
    channels = [{"id": key, "name": "general", "members": ["U1"]} for key in ("C1", "C2")]
    export = {"users.json": [slack_user("U1", "ann")], "channels.json": channels}
    export["general/2020-01-01.json"] = [slack_message("1577880000.0", "U1", "Hi")]
    result = command("import", "slack", str(write_folder(tmp_path / "export", export)), "--dry-run")
    assert messages(result) == (1, 1, 0, 0)
    assert dropped(result) == {"conversations whose name another one has, so that its folder is not theirs": 1}


@pytest.mark.parametrize(
    ("source", "export", "expected"),
    [
        ("slack", slack_export("ua"), (18, 13, 0, 5)),
        ("mattermost", mattermost_export("um"), (11, 8, 0, 3)),
        ("rocketchat", rocketchat_export("ur"), (11, 6, 0, 5)),
    ],
    ids=["slack", "mattermost", "rocketchat"],
)
def test_the_sum_of_an_import_is_that_of_its_dry_run(
    imported: Command, source: str, export: Files, expected: tuple[int, int, int, int]
) -> None:
    total, new, _, lost = expected
    assert messages(imported(source, export, "--dry-run")) == expected
    assert messages(imported(source, export)) == expected
    assert messages(imported(source, export)) == (total, 0, new, lost)


def test_a_message_in_parts_is_counted_once(imported: Command) -> None:
    """Its parts are older than the newest message of the conversation."""
    user = "UPARTSANN"
    export: dict[str, Any] = {
        "users.json": [slack_user(user, "partsann")],
        "channels.json": [{"id": "CPARTS", "name": "parts", "members": [user]}],
        "parts/2020-01-02.json": [slack_message("1577966400.0", user, "New")],
    }
    assert messages(imported("slack", export)) == (1, 1, 0, 0)
    export["parts/2020-01-01.json"] = [slack_message("1577880000.0", user, "word " * 20_000)]
    result = imported("slack", export)
    assert messages(result) == (2, 0, 1, 1)
    assert dropped(result) == {
        "messages older than the newest one of their conversation here": 1,
        "parts of messages older than the newest one of their conversation here": 1,
    }


def test_files_that_belong_to_nothing_are_named_by_folder(command: Command, tmp_path: Path) -> None:
    export = {**slack_export(), **{f"__uploads/F9/{n}.png": b"" for n in range(3)}, "\x1b[31m.txt": "", ".DS_Store": ""}
    folder = write_folder(tmp_path / "export", export)
    (folder / "link.json").symlink_to(folder / "users.json")
    (folder / "folder").symlink_to(folder / "general")
    result = command("import", "slack", str(folder), "--dry-run")
    assert unused(result) == [" [31m.txt", "__uploads/F9/ (3 files)", "folder", "link.json"]
    outside = write_zip(tmp_path / "outside.zip", {**slack_export(), "../general/2020-01-02.json": "x"})
    assert unused(command("import", "slack", str(outside), "--dry-run")) == ["../general/2020-01-02.json"]


def test_many_files_that_belong_to_nothing_end_with_their_number(command: Command, tmp_path: Path) -> None:
    export = {"users.json": [], **{f"{n:03}/a.txt": "" for n in range(150)}}
    result = command("import", "slack", str(write_zip(tmp_path / "many.zip", export)), "--dry-run")
    assert unused(result) == [*(f"{n:03}/a.txt" for n in range(100)), "50 more"]

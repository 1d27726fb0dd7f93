"""Exports that are broken or dangerous are refused with one sentence, or what is broken in them is counted."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from talkwire.cli.history_import import archive
from tests.cli.history_import.conftest import Command, Receiver, counts, dropped, failure
from tests.cli.history_import.exports import slack_message, slack_user, write_folder, write_zip
from tests.protocol.server_process import reserved_port

USERS = [slack_user("U1", "ann")]
CHANNEL = {"id": "C1", "name": "general", "members": ["U1"]}


def one_channel(*messages: object, **more: object) -> dict[str, object]:
    return {"users.json": USERS, "channels.json": [CHANNEL], "general/2020-01-01.json": list(messages), **more}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no users.json"),
        ({"users.json": "{"}, "users.json is not JSON"),
        ({"users.json": b"\xff\xfe[]"}, "users.json is not JSON"),
        ({"users.json": "[" * 100_000}, "users.json is not JSON"),
    ],
)
def test_a_broken_export_is_refused(command: Command, tmp_path: Path, files: dict[str, object], message: str) -> None:
    path = write_zip(tmp_path / "broken.zip", files)
    assert message in failure(command("import", "slack", str(path), "--dry-run"))


def test_a_file_that_is_no_archive_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no zip")
    assert "is neither a folder nor a zip file" in failure(
        command("import", "slack", str(tmp_path / "a.zip"), "--dry-run")
    )
    assert "no such file" in failure(command("import", "slack", str(tmp_path / "none"), "--dry-run"))


def test_a_zip_bomb_is_refused(command: Command, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bomb.zip", {"users.json": b" " * 20_000_000 + b"[]"})
    assert "times smaller" in failure(command("import", "slack", str(path), "--dry-run"))


def test_a_damaged_zip_file_is_refused(command: Command, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "damaged.zip", {"users.json": [slack_user(f"U{n}", f"user{n}") for n in range(200)]})
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(content)
    assert "users.json cannot be read" in failure(command("import", "slack", str(path), "--dry-run"))


def test_what_the_export_says_does_not_reach_the_terminal_as_commands(command: Command, tmp_path: Path) -> None:
    messages = [{"type": f"\x1b[31m{number}", "ts": "1577880000.0"} for number in range(200)]
    path = write_zip(tmp_path / "colours.zip", one_channel(*messages, **{"x\x1b[31m/users.json": "{"}))
    result = command("import", "slack", str(path), "--dry-run")
    assert "\x1b" not in result.err
    assert dropped(result)["others"] == 100
    only = write_zip(tmp_path / "only.zip", {"x\x1b[31m/users.json": "{"})
    assert "\x1b" not in failure(command("import", "slack", str(only), "--dry-run"))


def test_a_document_and_a_line_have_a_limit(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "DOCUMENT_MAX_BYTES", 100)
    monkeypatch.setattr(archive, "ARCHIVE_LINE_MAX_BYTES", 100)
    long = {"users.json": USERS * 10, "a.jsonl": '{"type": "version", "version": 1}\n{"a": "' + "x" * 100 + '"}\n'}
    folder = write_folder(tmp_path / "long", long)
    assert "has more than 100 bytes" in failure(command("import", "slack", str(folder), "--dry-run"))
    assert "a line of more than 100 bytes" in failure(command("import", "mattermost", str(folder), "--dry-run"))


def test_json_has_a_limit_of_values(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each empty object takes 30 times as much memory as its text."""
    monkeypatch.setattr(archive, "JSON_VALUES_MAX", 1_000)
    many = {"users.json": [{}] * 1_001, "a.jsonl": '{"type": "version", "version": 1}\n[' + "{}," * 1_000 + "{}]\n"}
    folder = write_folder(tmp_path / "many", many)
    assert failure(command("import", "slack", str(folder), "--dry-run")).endswith(
        "users.json has more than 1000 values"
    )
    assert dropped(command("import", "mattermost", str(folder), "--dry-run")) == {"lines that are not JSON": 1}


def test_names_that_leave_the_folder_are_ignored(command: Command, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "outside.zip", one_channel(slack_message("1577880000.0", "U1", "Hi")))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("../general/2020-01-02.json", "broken")
        file.writestr("/etc/users.json", "broken")
        file.writestr("general\\..\\..\\2020-01-03.json", "broken")
    assert counts(command("import", "slack", str(path), "--dry-run"))["messages"] == 1


def test_a_link_in_a_folder_is_not_followed(command: Command, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "export", one_channel(slack_message("1577880000.0", "U1", "Hi")))
    (tmp_path / "secret.json").write_text("broken")
    (folder / "general/2020-01-02.json").symlink_to(tmp_path / "secret.json")
    assert counts(command("import", "slack", str(folder), "--dry-run"))["messages"] == 1


def test_what_is_odd_in_messages_is_counted_or_made_valid(imported: Command, receiver: Receiver) -> None:
    users = [f"U{number}" for number in range(110)]
    export = {
        "users.json": [slack_user("UODD", "odd"), slack_user("UODD", "twice"), {"name": "no id"}, "text"],
        "channels.json": [{**CHANNEL, "id": "CODD", "members": ["UODD", "UODD", 7, None]}, {"name": "no id"}],
        "general/2020-01-01.json": [
            slack_message("1577880000.000000", "UODD", "a\u0000b \ud800 c" * 3),
            slack_message("1577880001.000000", "UODD", "word " * 20_000),
            slack_message("1577880002.000000", "UUNKNOWN", "Who?", user_profile={"real_name": "Guest"}),
            slack_message("1577880003.000000", "UODD", "Root?", thread_ts="1500000000.000000"),
            slack_message(
                "1577880004.000000", "UODD", "Many", reactions=[{"name": "tada", "users": users, "count": 110}]
            ),
            slack_message("99999999999.000000", "UODD", "The future"),
            slack_message("999999999999.9", "UODD", "The year 33658"),
            {"type": "message", "ts": ["x"], "text": {"a": 1}, "user": 3},
            {"type": 7},
            "text",
        ],
    }
    result = imported("slack", export)
    assert counts(result)["messages"] == 5
    found = dropped(result)
    assert found["reactions beyond 20 emoji or 100 users of an emoji"] == 10
    assert found["threads that begin with a reply, as their first message is missing"] == 1
    assert [kind for kind in found if "must not be in the future" in kind]
    first, *longs, guest, _, many = receiver.messages("slack-CODD")
    assert "\x00" not in first["content"]
    assert "".join(each["content"] for each in longs) == "word " * 20_000
    assert len(longs) == 2
    assert (guest["sender"]["name"], many["reactions"][0]["count"]) == ("Guest", 100)
    assert counts(imported("slack", export))["messages, there before"] == 5


def test_a_conversation_whose_messages_are_all_in_the_future_is_imported(imported: Command, receiver: Receiver) -> None:
    export = {
        "users.json": [slack_user("UFUTURE", "future")],
        "channels.json": [{**CHANNEL, "id": "CFUTURE", "members": ["UFUTURE"]}],
        "general/2020-01-01.json": [slack_message("99999999999.000000", "UFUTURE", "The future")],
    }
    assert counts(imported("slack", export))["conversations"] == 1
    assert receiver.messages("slack-CFUTURE") == []


def test_a_server_that_cannot_be_reached_is_reported_at_once(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    path = write_zip(tmp_path / "export.zip", one_channel())
    result = command("import", "slack", str(path), "--server", f"http://127.0.0.1:{reserved_port()}")
    assert "cannot be reached" in failure(result)


def test_a_secret_of_another_server_is_refused(
    command: Command, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    path = write_zip(tmp_path / "export.zip", one_channel())
    assert "401" in failure(command("import", "slack", str(path), "--server", receiver.url))


def test_an_import_needs_a_server(command: Command, tmp_path: Path) -> None:
    assert command("import", "slack", str(tmp_path)).exit_code == 2
    assert command("import", "slack", str(tmp_path), "--server", "chat.example.com").exit_code == 2

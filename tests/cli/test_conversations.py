from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from tests.cli.conftest import CommandResult

Command = Callable[..., CommandResult]


def test_a_group_is_opened_and_listed(command: Command, where: list[str]) -> None:
    created = command("conversation", "create", "--id", "talk-1", "--name", "Plans", "alice", "bob", *where)
    assert (created.exit_code, created.out, created.err) == (0, "talk-1\n", "")
    assert "talk-1\tgroup\tPlans\t2\t0\t" in command("conversation", "list", *where).out
    shown = json.loads(command("conversation", "list", "--json", *where).out)
    plans = next(each for each in shown if each["id"] == "talk-1")
    assert (plans["ownerId"], plans["memberCount"], plans["name"]) == (None, 2, "Plans")


def test_a_conversation_is_given_an_owner_and_made_public(command: Command, where: list[str]) -> None:
    flags = ("--owner", "bob", "--public", "--name", "Lounge", "--id", "lounge")
    assert command("conversation", "create", *flags, "alice", "bob", *where).out == "lounge\n"
    shown = json.loads(command("conversation", "list", "--json", *where).out)
    assert [(each["ownerId"], each["public"]) for each in shown if each["id"] == "lounge"] == [("bob", True)]


def test_a_direct_conversation_exists_once_per_pair(command: Command, where: list[str]) -> None:
    first = command("conversation", "create", "--kind", "direct", "ann", "ben", *where)
    again = command("conversation", "create", "--kind", "direct", "ben", "ann", *where)
    assert int(first.out) >= 8 * 10**15
    assert again.out == first.out


def test_members_come_and_go(command: Command, where: list[str]) -> None:
    command("conversation", "create", "--id", "club", "alice", *where)
    assert command("conversation", "add", "club", "bob", "carol", *where) == (
        0,
        "Added 2 to club; 0 were members already.\n",
        "",
    )
    assert (
        "Added 1 to club; 1 were members already." in command("conversation", "add", "club", "bob", "dan", *where).out
    )
    assert command("conversation", "remove", "club", "bob", "dan", *where).out == "Removed 2 from club.\n"
    assert "club\tgroup\t\t2\t0\t" in command("conversation", "list", *where).out


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["create", "--kind", "direct", "alice"], 2, "memberIds: a direct conversation has exactly two members"),
        (["create"], 2, "MEMBERS: name at least one"),
        (["create", "a b"], 2, "memberIds[0]: must be an id"),
        (["create", "--id", "8000000000000001", "alice"], 2, "id: must not be in the range"),
        (["add", "nowhere", "alice"], 1, "There is no conversation nowhere."),
        (["remove", "nowhere", "alice"], 1, "There is no conversation nowhere."),
    ],
)
def test_refusals_are_one_line(
    command: Command, where: list[str], arguments: list[str], exit_code: int, message: str
) -> None:
    command("conversation", "create", "somebody", *where)
    result = command("conversation", *arguments, *where)
    assert (result.exit_code, result.out) == (exit_code, "")
    assert result.err.startswith(f"talkwire: {message}")
    assert result.err.count("\n") == 1


def test_a_creation_is_repeated_and_an_id_is_taken_once(command: Command, where: list[str]) -> None:
    command("conversation", "create", "--id", "twice", "alice", *where)
    assert command("conversation", "create", "--id", "twice", "alice", *where) == (0, "twice\n", "")
    again = command("conversation", "create", "--id", "twice", "bob", *where)
    assert again == (1, "", "talkwire: A conversation with this id exists, but differs in memberIds.\n")


def test_accounts_join_the_default_conversations(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = ("--data", "alone")
    monkeypatch.setenv("TALKWIRE_DEFAULT_CONVERSATIONS", "hall")
    command("conversation", "create", "--id", "hall", "alice", *alone)
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    added = command("user", "add", "dora@example.com", "--name", "Dora", "--password", "-", *alone)
    assert added.exit_code == 0, added.err
    shown = json.loads(command("conversation", "list", "--json", *alone).out)
    assert [each["memberCount"] for each in shown if each["id"] == "hall"] == [2]

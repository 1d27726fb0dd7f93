from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandResult

Command = Callable[..., CommandResult]


@pytest.fixture(autouse=True)
def password_on_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n" * 9))


def test_an_account_is_added_and_listed(command: Command, where: list[str]) -> None:
    added = command("user", "add", "dora@example.com", "--name", "Dora", "--id", "dora", *where)
    assert (added.exit_code, added.out, added.err) == (0, "dora\n", "")
    listed = command("user", "list", *where)
    assert listed.exit_code == 0
    assert "dora\tDora\tdora@example.com\t\t2" in listed.out
    shown = json.loads(command("user", "list", "--json", *where).out)
    dora = next(user for user in shown if user["id"] == "dora")
    assert (dora["name"], dora["email"], dora["banned"]) == ("Dora", "dora@example.com", False)


def test_a_user_who_exists_gets_an_account(command: Command, where: list[str]) -> None:
    command("conversation", "create", "ben", *where)
    add = ["user", "add", "ben@example.com", "--id", "ben"]
    assert command(*add, *where) == (0, "ben\n", "")
    assert "ben\tben\tben@example.com\t" in command("user", "list", *where).out
    assert command(*add, *where) == (1, "", "talkwire: This user has an account already.\n")


def test_a_user_of_tokens_is_added_without_an_account(command: Command, where: list[str]) -> None:
    assert command("user", "add", "--id", "zoe", "--name", "Zoë", *where) == (0, "zoe\n", "")
    assert command("user", "add", "--id", "yan", *where) == (0, "yan\n", "")
    listed = command("user", "list", *where).out
    assert "zoe\tZoë\t\t\t" in listed
    assert "yan\tyan\t\t\t" in listed
    again = command("user", "add", "--id", "zoe", "--name", "Other", *where)
    assert again == (1, "", "talkwire: zoe: there is such a user already; with EMAIL, the user gets an account\n")
    assert command("user", "add", "zoe@example.com", "--id", "zoe", *where) == (0, "zoe\n", "")


def test_an_agent_is_added_with_the_person_who_is_responsible(command: Command, where: list[str]) -> None:
    command("user", "add", "--id", "rita", *where)
    add = ["user", "add", "--id", "helper", "--kind", "agent", "--owner"]
    assert command(*add, "rita", *where) == (0, "helper\n", "")
    shown = json.loads(command("user", "list", "--json", *where).out)
    helper = next(user for user in shown if user["id"] == "helper")
    assert (helper["kind"], helper["ownerId"]) == ("agent", "rita")
    nobody = command("user", "add", "--id", "other", "--kind", "agent", "--owner", "nobody", *where)
    assert (nobody.exit_code, nobody.out) == (2, "")
    assert "ownerId" in nobody.err


def test_without_an_id_the_new_one_is_printed(command: Command, where: list[str]) -> None:
    added = command("user", "add", "erik@example.com", "--name", "Erik", *where)
    assert added.exit_code == 0
    assert int(added.out) >= 8 * 10**15


def test_a_user_is_banned_and_unbanned(command: Command, where: list[str]) -> None:
    command("user", "add", "finn@example.com", "--name", "Finn", "--id", "finn", *where)
    assert command("user", "ban", "finn", *where) == (0, "finn is banned.\n", "")
    assert "finn\tFinn\tfinn@example.com\tbanned\t" in command("user", "list", *where).out
    assert command("user", "unban", "finn", *where) == (0, "finn is not banned.\n", "")
    assert "finn\tFinn\tfinn@example.com\t\t" in command("user", "list", *where).out


def test_a_ban_has_a_reason_and_an_end(command: Command, where: list[str]) -> None:
    command("user", "add", "gina@example.com", "--name", "Gina", "--id", "gina", *where)
    ban = ["user", "ban", "gina", "--reason", "spam", "--until"]
    assert command(*ban, "2099-01-31T12:00:00Z", *where) == (0, "gina is banned until 2099-01-31T12:00:00.000Z.\n", "")
    (gina,) = [each for each in json.loads(command("user", "list", "--json", *where).out) if each["id"] == "gina"]
    assert (gina["banned"], gina["bannedUntil"]) == (True, "2099-01-31T12:00:00.000Z")
    status, out, err = command(*ban, "tomorrow", *where)
    assert (status, out) == (2, "")
    assert "--until" in err


def test_an_account_gets_a_new_password(command: Command, where: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    command("user", "add", "gus@example.com", "--name", "Gus", "--id", "gus", *where)
    monkeypatch.setattr("sys.stdin", io.StringIO("another one\n"))
    assert command("user", "password", "gus", *where) == (0, "gus has a new password.\n", "")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["ban", "nobody"], 1, "No such user."),
        (["password", "nobody"], 1, "This user has no account."),
        (["add", "not-an-address", "--name", "X"], 2, "email: must be an e-mail address"),
        (["add", "x@example.com", "--id", "new"], 2, "name: must be given for a new user"),
        (["add", "x@example.com", "--name", "X", "--kind", "agent"], 2, "EMAIL: an agent has no account"),
        (["add", "--id", "x", "--owner", "y"], 2, "--owner: only with --kind agent"),
        (["add", "--id", "x", "--kind", "robot"], 2, 'Invalid value "robot" for --kind'),
        (["add", "x@example.com", "--name", " "], 2, "name: must have 1 to 200 characters"),
        (["add", "x@example.com", "--name", "X", "--id", "a b"], 2, "id: must be an id"),
        (["add"], 2, "EMAIL: must be given for an account"),
        (["add", "--name", "X"], 2, "EMAIL: must be given for an account"),
        (["add", "--id", "x", "--password", "-"], 2, "EMAIL: must be given for an account"),
        (["add", "--id", "x", "--role", "admin"], 2, "EMAIL: must be given for an account"),
        (["add", "--id", "a b"], 2, "userId: must be an id"),
        (["add", "--id", "8000000000000001"], 2, "userId: "),
        (["add", "--id", "x", "--name", " "], 2, "name: must have 1 to 200 characters"),
        (["add", "x@example.com", "--name", "X", "--password", "hunter2"], 2, "--password: must be `-`"),
    ],
)
def test_refusals_are_one_line(
    command: Command, where: list[str], arguments: list[str], exit_code: int, message: str
) -> None:
    command("conversation", "create", "somebody", *where)
    result = command("user", *arguments, *where)
    assert (result.exit_code, result.out) == (exit_code, "")
    assert result.err.startswith(f"talkwire: {message}")
    assert result.err.count("\n") == 1


def test_an_address_is_taken_once(command: Command, where: list[str]) -> None:
    command("user", "add", "hans@example.com", "--name", "Hans", *where)
    again = command("user", "add", "Hans@Example.com", "--name", "Hans", *where)
    assert again == (1, "", "talkwire: This e-mail address is taken.\n")


def test_an_empty_password_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    result = command("user", "add", "x@example.com", "--name", "X", "--password", "-")
    assert result == (1, "", "talkwire: no password was given\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "exit_code"), [(["long enough", "long enough"], 0), (["long enough", "not the same"], 1)]
)
def test_on_a_terminal_a_password_is_asked_for_twice(
    command: Command, monkeypatch: pytest.MonkeyPatch, typed: list[str], exit_code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    answers = iter(typed)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    assert command("user", "add", "x@example.com", "--name", "X", "--id", "x").exit_code == exit_code


def test_a_name_can_neither_forge_a_line_nor_command_a_terminal(command: Command) -> None:
    name = "Eve\tx\n\x1b[2Jroot [bold]"
    command("user", "add", "eve@example.com", "--name", name, "--id", "eve")
    listed = command("user", "list").out
    assert listed.startswith("eve\tEve x  [2Jroot [bold]\teve@example.com\t")
    assert listed.count("\n") == 1


def test_more_users_than_a_page_holds_are_all_listed(command: Command, where: list[str]) -> None:
    names = [f"many-{number:03}" for number in range(150)]
    command("conversation", "create", *names, *where)
    listed = [line.split("\t")[0] for line in command("user", "list", *where).out.splitlines()]
    assert [user_id for user_id in listed if user_id.startswith("many-")] == names


def test_a_file_that_is_no_database_is_reported(command: Command) -> None:
    Path("a-file").write_text("nothing that a database would hold, and long enough to be looked at\n" * 20)
    result = command("user", "list", "--database", "sqlite:///a-file")
    assert result == (1, "", "talkwire: the database a-file cannot be used: file is not a database\n")


@pytest.mark.parametrize("arguments", [["user", "list"], ["user", "ban", "a"], ["conversation", "list"]])
def test_a_mistyped_folder_is_no_new_database(command: Command, arguments: list[str]) -> None:
    result = command(*arguments, "--data", "mistyped")
    assert result == (1, "", "talkwire: mistyped/talkwire.db: database not found\n")


def test_an_account_that_cannot_be_used_to_sign_in_is_pointed_out(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    added = command("user", "add", "ida@example.com", "--name", "Ida", "--id", "ida")
    assert (added.exit_code, added.out) == (0, "ida\n")
    assert added.err.startswith("accounts are off in these settings: no one can sign in with a password")
    monkeypatch.setenv("TALKWIRE_ACCOUNTS", "invite")
    assert command("user", "password", "ida") == (0, "ida has a new password.\n", "")

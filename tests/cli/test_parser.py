from __future__ import annotations

import io
from collections.abc import Callable
from importlib.metadata import version

import httpx
import pytest

from talkwire.cli import main
from talkwire.cli.failures import connection_cause
from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer

Command = Callable[..., CommandResult]
Talkwire = Callable[..., Answer]


def test_the_version_is_printed(fresh_talkwire: Talkwire) -> None:
    assert fresh_talkwire("--version") == Answer(0, f"talkwire {version('talkwire')}\n", "")


def test_help_names_every_command(command: Command) -> None:
    answer = command("--help")
    assert answer.exit_code == 0
    for name in ("serve", "token", "user", "conversation", "migrate", "check"):
        assert f" {name} " in answer.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sevre"], 'Unknown command "sevre". Did you mean "serve"?'),
        (["user", "ad"], 'Unknown command "ad". Did you mean "add"?'),
        (["serve", "--prot", "1"], "Unknown option: --prot. Did you mean --port?"),
        (["serve", "--port"], "--port requires an argument"),
        (["serve", "surplus"], "Unused Tokens: ['surplus']"),
        (["user", "ban"], "USER_ID requires an argument"),
        (["user", "add", "a@example.com"], "--name: must be given for a new user"),
        (["conversation", "add", "talk-1"], "MEMBERS: name at least one"),
        (["conversation", "create", "--kind", "party", "a"], "party"),
        (["token"], "USER requires an argument"),
    ],
)
def test_wrong_usage_is_reported_in_one_line(command: Command, arguments: list[str], expected: str) -> None:
    result = command(*arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert result.err.startswith("talkwire: ")
    assert expected in result.err
    assert result.err.count("\n") == 1


def test_wrong_usage_is_an_exit_code(fresh_talkwire: Talkwire) -> None:
    answer = fresh_talkwire("sevre")
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.line.startswith('talkwire: Unknown command "sevre". Did you mean "serve"?')


@pytest.mark.parametrize("name", ["serve", "check", "token", "migrate", "user list", "conversation list"])
def test_every_command_describes_itself(command: Command, name: str) -> None:
    answer = command(*name.split(), "--help")
    assert answer.exit_code == 0
    assert "--data" in answer.out
    assert "TALKWIRE_DATABASE" in answer.out


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (httpx.ConnectError("[Errno 111] Connection\nrefused"), "[Errno 111] Connection refused"),
        (httpx.ReadTimeout(""), "no response in time"),
        (TimeoutError(), "no response in time"),
        (httpx.ReadError(""), "the server closed the connection"),
        (ConnectionResetError(), "the server closed the connection"),
    ],
)
def test_a_request_without_a_response_has_a_cause_in_words(error: Exception, cause: str) -> None:
    assert connection_cause(error) == cause


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r", "utf-8"])
@pytest.mark.parametrize("arguments", [("serve", "--help"), ("user", "add", "--id", "zoe", "--name", "Zoë 🙂 Я")])
def test_no_encoding_of_the_locale_makes_output_fail(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], encoding: str
) -> None:
    written = io.BytesIO()
    output = io.TextIOWrapper(written, encoding=encoding)
    monkeypatch.setattr("sys.stdout", output)
    monkeypatch.setattr(output, "isatty", lambda: True)
    assert main(arguments) == 0
    output.flush()
    shown = written.getvalue().decode("utf-8" if encoding == "ascii" else encoding)
    assert "TALKWIRE_DATA" in shown or shown.startswith("Added Zo")
    if encoding in {"ascii", "utf-8"}:
        assert "…" in shown or "Zoë 🙂 Я" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "add", "--id", "zoe", "--name", "Zo\udcc3\udcab"),
        ("user", "add", "--id", "zo\udcc3\udcab", "--name", "Zoe"),
        ("conversation", "create", "--name", "Zo\udcc3\udcab", "alice"),
    ],
)
def test_arguments_that_the_locale_cannot_read_are_refused_with_what_to_do(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    result = command(*arguments)
    assert (result.exit_code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.endswith("the locale's encoding, ascii, cannot read an argument: set LC_ALL=C.UTF-8.\n")


def test_help_is_printed_without_a_locale(fresh_talkwire: Talkwire) -> None:
    answer = fresh_talkwire("serve", "--help", environ={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert (answer.exit_code, answer.err) == (0, "")
    assert "…" in answer.out

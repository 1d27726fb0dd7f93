from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.cli.processes import Answer

Talkwire = Callable[..., Answer]


def test_it_says_its_version(talkwire: Talkwire) -> None:
    assert talkwire("--version") == Answer(0, f"talkwire {version('talkwire')}\n", "")


def test_help_names_every_command(talkwire: Talkwire) -> None:
    answer = talkwire("--help")
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
        (["user", "add", "a@example.com"], "--name requires an argument"),
        (["conversation", "add", "talk-1"], "MEMBERS requires an argument"),
        (["conversation", "create", "--kind", "party", "a"], "party"),
        (["token"], "USER requires an argument"),
    ],
)
def test_wrong_usage_is_said_in_one_line(talkwire: Talkwire, arguments: list[str], expected: str) -> None:
    answer = talkwire(*arguments)
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.line.startswith("talkwire: ")
    assert expected in answer.line


@pytest.mark.parametrize("command", ["serve", "check", "token", "migrate", "user list", "conversation list"])
def test_every_command_describes_itself(talkwire: Talkwire, command: str) -> None:
    answer = talkwire(*command.split(), "--help")
    assert answer.exit_code == 0
    assert "--data" in answer.out
    assert "TALKWIRE_DATABASE" in answer.out

"""What is kept of an answer can be read again, for every command."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.core.commands.accounts import BanUser, GetUser, Login, RotateLogin, SetPassword
from talkwire.core.commands.command import Command
from talkwire.core.handlers import CHANGES
from talkwire.core.idempotency import result_type
from talkwire.core.model import User


def test_a_command_says_what_it_is_answered_with() -> None:
    assert result_type(BanUser) is User
    assert result_type(SetPassword) in {None, type(None)}
    assert result_type(RotateLogin) == Login | None


def test_only_a_change_has_an_answer_to_keep() -> None:
    with pytest.raises(TypeError):
        result_type(GetUser)


@pytest.mark.parametrize("command", CHANGES, ids=lambda command: command.__name__)
def test_every_answer_can_be_read_again(command: type[Command[Any]]) -> None:
    msgspec.json.Decoder(result_type(command))

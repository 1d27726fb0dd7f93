"""The names under which hooks and observers are registered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.invitations import AcceptInvitation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.events import MessageReacted, MessageSent, TypingChanged, UserCreated
from talkwire.dialects.messenger import MESSENGER
from talkwire.embedding.names import events_named
from talkwire.operations.names import COMMANDS, REST_COMMANDS, SOCKET_EVENTS, commands_named

_PAYLOADS: Mapping[str, list[dict[str, Any]]] = MappingProxyType(
    {
        "conversations:list": [{}, {"query": "q"}],
        "notifications:read": [{"ids": ["1"]}, {"all": True}],
        "message:append": [{"messageId": "1", "attempt": 1, "part": 0, "text": "x"}],
        "message:keep": [{"messageId": "1", "attempt": 1}],
        "message:stop": [{"messageId": "1"}, {"replyToId": "1"}],
        "message:rewind": [{"messageId": "1", "attempt": 1, "part": 0}],
        "message:finish": [{"messageId": "1", "attempt": 1}],
        "message:stream": [{"conversationId": "c", "clientMessageId": "s"}],
        "sync": [{}, {"after": "1-1"}],
    }
)
_MEMBERS: Mapping[str, Any] = MappingProxyType(
    {
        "conversationId": "c",
        "messageId": "1",
        "userId": "bob",
        "offerId": "1",
        "callId": "c1",
        "content": "x",
        "emoji": "👍",
        "title": "t",
        "amount": 1,
        "currency": "EUR",
        "status": None,
        "role": "admin",
        "kind": "group",
        "memberIds": ["bob"],
        "userIds": ["bob"],
        "to": "bob",
        "conversationIds": ["c"],
        "q": "x",
        "reason": "spam",
        "name": "ping",
        "rating": 1,
        "actionIds": ["yes"],
        "turn": "1.1",
        "turnId": "1",
    }
)
_STATUS = MappingProxyType({"offer:update": "accepted", "presence:set": "away"})


def _examples(name: str) -> list[dict[str, Any]]:
    if name in _PAYLOADS:
        return _PAYLOADS[name]
    payload_type = MESSENGER.inbound[name].payload
    assert payload_type is not None
    wanted = [field.encode_name for field in msgspec.structs.fields(payload_type) if field.required]
    return [{member: _STATUS.get(name) if member == "status" else _MEMBERS[member] for member in wanted}]


def _commands_of(name: str) -> list[Command[Any]]:
    """Returns the commands that the messenger dialect makes of an event, one for each example payload."""
    inbound = MESSENGER.inbound[name]
    made = []
    for example in _examples(name):
        payload = None if inbound.payload is None else msgspec.convert(example, inbound.payload)
        command = inbound.to_command(payload)
        assert isinstance(command, Command)
        made.append(command)
    return made


def test_every_messenger_event_is_a_command_or_concerns_one_socket() -> None:
    assert COMMANDS.keys() | SOCKET_EVENTS == MESSENGER.inbound.keys()
    assert not COMMANDS.keys() & SOCKET_EVENTS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_name_stands_for_the_command_that_the_messenger_makes_of_it(name: str) -> None:
    made = _commands_of(name)
    for command in made:
        assert any(type(command) is named.command_type and named.when(command) for named in COMMANDS[name])
    assert {type(command) for command in made} == {named.command_type for named in COMMANDS[name]}


@pytest.mark.parametrize("name", sorted(SOCKET_EVENTS))
def test_events_of_one_socket_have_no_hooks(name: str) -> None:
    with pytest.raises(ValueError, match=f'"{name}" concerns one socket only'):
        commands_named(name)


def test_hooks_distinguish_typing_start_from_typing_stop() -> None:
    (start,), (stop,) = commands_named("typing:start"), commands_named("typing:stop")
    (began,) = _commands_of("typing:start")
    assert start.when(began)
    assert not stop.when(began)


def test_commands_of_rest_only_have_names_too() -> None:
    assert [named.command_type for named in commands_named("invitation:accept")] == [AcceptInvitation]
    assert not REST_COMMANDS.keys() & (COMMANDS.keys() | SOCKET_EVENTS)


def test_a_wrong_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r'"mesage:send" is not a command .*did you mean message:send'):
        commands_named("mesage:send")
    with pytest.raises(ValueError, match="'message:nu' is not an event; did you mean message:new"):
        events_named(["message:nu"])
    with pytest.raises(ValueError, match="is not an event"):
        events_named([SendMessage])
    with pytest.raises(ValueError, match='"MessageSent" is not a command'):
        commands_named(MessageSent)


def test_events_are_registered_by_name_or_by_class() -> None:
    assert list(events_named(["message:new"])) == [MessageSent]
    assert list(events_named(["message:reaction:new", "message:reaction"])) == [MessageReacted]
    assert list(events_named([UserCreated, "typing:user"])) == [UserCreated, TypingChanged]

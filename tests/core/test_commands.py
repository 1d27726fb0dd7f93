"""The tables of commands and events are complete."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from talkwire.core.commands.accounts import RotateLogin
from talkwire.core.commands.command import Change, Command, Query
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.domain import events
from talkwire.core.domain.access_policy import DEFAULT_POLICY
from talkwire.core.engine.command_table import CHANGES, QUERIES
from talkwire.core.features.conversations import lists
from talkwire.core.features.users import user_search


def _all_of(kind: type[Command[object]]) -> set[type]:
    return {type_ for type_ in kind.__subclasses__() if type_.__module__.startswith("talkwire.core.commands.")}


def test_every_change_and_every_query_is_carried_out_by_something() -> None:
    assert set(CHANGES) == _all_of(Change)
    of_policy = user_search.queries(DEFAULT_POLICY).keys() | lists.queries(DEFAULT_POLICY).keys()
    assert QUERIES.keys() | of_policy == _all_of(Query)


def test_every_durable_event_is_in_the_union_that_is_matched_over() -> None:
    kinds = {events.MessageEvent}
    leaves = {*events.DurableEvent.__subclasses__(), *events.MessageEvent.__subclasses__()} - kinds
    assert set(get_args(events.Durable)) == leaves


@pytest.mark.parametrize(
    "command",
    [
        SendMessage("c", "Hello", "m1", {"a": [1]}),
        CreateConversation("group", ("alice", "bob"), id="c"),
        RotateLogin("1", "a", "b", 1),
        ListMessages("c", before="1"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_command_survives_the_way_to_another_process(command: Command[object]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(command), type=type(command)) == command

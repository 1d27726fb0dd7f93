"""Notes about conversations with teams, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.messages import ListMessages
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Conversation, Message
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node

DAVE = Actor("dave", "Dave")
"""The only member of the team `sales`."""


async def desk(node: Node, **options: Any) -> None:  # noqa: ANN401 (fields of a command)
    """Makes a conversation `c` of the customer Alice with the team `support`: Bob and Carol."""
    await node.users(ALICE, BOB, CAROL, DAVE, MALLORY)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(BACKEND, PutTeam("sales", "Sales", ("dave",)))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",), **options))


async def refused(node: Node, actor: Actor, command: Command[Any]) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await node.do(actor, command)
    return caught.value


async def note(node: Node, actor: Actor, text: str, **fields: Any) -> Message:  # noqa: ANN401 (fields of a command)
    sent: Message = await node.do(actor, SendNote("c", text, **fields))
    return sent


async def conversation(node: Node, id_: str = "c") -> Conversation:
    found: Conversation = (await node.do(BACKEND, GetConversation(id_))).conversation
    return found


async def test_the_first_note_makes_the_notes(node: Node) -> None:
    await desk(node)
    assert (await conversation(node)).notes_id is None
    first = await note(node, BOB, "A regular customer", client_message_id="1")
    second = await note(node, CAROL, "@bob is right")
    assert (first.conversation_id, first.seq, second.seq) == (second.conversation_id, 1, 2)
    assert (first.notes_of, second.mentions) == ("c", ("bob",))
    assert (await conversation(node)).notes_id == first.conversation_id
    notes = await conversation(node, first.conversation_id)
    assert (notes.notes_of, notes.team_ids, notes.member_count) == ("c", ("support",), 0)
    page = await node.do(CAROL, ListMessages(notes.id))
    assert [each.content for each in page.items] == ["A regular customer", "@bob is right"]
    assert await note(node, BOB, "A regular customer", client_message_id="1") == first
    assert (await refused(node, BOB, SendNote("c", "Other", client_message_id="1"))).code == "conflict"

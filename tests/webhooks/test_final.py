"""Webhooks with `final`: what a receiver gets of messages that are written while others read them."""

from __future__ import annotations

import pytest
import pytest_asyncio

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.integration.webhooks import UpdateWebhook
from talkwire.core.commands.messages import DeleteMessage, React, SendMessage
from talkwire.core.commands.streams.storing import BeginStream, BegunStream, EndStream
from talkwire.core.domain.model import Actor
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import LEASE_MAX_S
from tests.waiting import until
from tests.webhooks.conftest import BACKEND, Sending
from tests.webhooks.receiver import ACCEPT, Json, Response

pytestmark = pytest.mark.asyncio(loop_scope="module")
HELPER = Actor("helper", "Helper")


class Streaming:
    """An agent that writes messages in a group of this test."""

    def __init__(self, sending: Sending) -> None:
        self.sending = sending
        self.group = sending.id_of("a")

    async def prepare(self) -> None:
        chat = self.sending.node.chat
        await chat.execute(BACKEND, PutUser("helper", kind="agent"))
        await chat.execute(BACKEND, CreateConversation("group", ("alice", "helper"), id=self.group))

    async def open(self, client_message_id: str) -> int:
        send = SendMessage(self.group, "", client_message_id=client_message_id)
        begun = await self.sending.node.chat.execute(HELPER, BeginStream(send, "home", LEASE_MAX_S * 1000))
        assert isinstance(begun, BegunStream)
        return begun.message.id

    async def end(self, message_id: int, text: str) -> None:
        ended = EndStream(message_id=message_id, attempt=1, node_id="home", state="done", parts=(TextPart(text),))
        await self.sending.node.chat.execute(HELPER, ended)

    @property
    def received(self) -> list[tuple[str, str | None, str | None]]:
        """The type, the text and the state of each event that the receiver has accepted."""
        events = self.sending.receiver.unique()
        return [(event["type"], event["data"].get("content"), event["data"].get("state")) for event in events]

    async def wait_for(self, text: str) -> None:
        receiver = self.sending.receiver
        await receiver.wait_until(lambda: any(text == event["data"].get("content") for event in receiver.accepted))


@pytest_asyncio.fixture(loop_scope="module")
async def streaming(sending: Sending) -> Streaming:
    streaming = Streaming(sending)
    await streaming.prepare()
    return streaming


async def test_a_final_webhook_receives_a_stream_at_its_first_end(streaming: Streaming) -> None:
    """The receiver refuses the end twice, so that it is read from the log again."""
    sending, refused = streaming.sending, list[Json]()

    def answer(event: Json) -> Response:
        if event["data"].get("state") == "done" and len(refused) < 2:
            refused.append(event)
            return Response(500)
        return ACCEPT

    sending.receiver.answer = answer
    await sending.subscribe(conversation_ids=(streaming.group,), final=True)
    stream, deleted = await streaming.open("s"), await streaming.open("deleted")
    await sending.node.chat.execute(Actor("alice", "Alice"), React(str(stream), "👍"))
    await sending.node.chat.execute(HELPER, DeleteMessage(str(deleted)))
    await sending.send("a", "between")
    await streaming.end(stream, "whole")
    ended_pos = sending.node.chat.pos
    await sending.send("a", "last")
    await streaming.wait_for("last")
    new = "message:new"
    assert streaming.received == [(new, "between", None), (new, "whole", "done"), (new, "last", None)]
    assert [event["id"] for event in refused] == [f"{sending.node.chat.epoch}-{ended_pos}"] * 2
    assert (await sending.webhook()).final


async def test_a_webhook_becomes_final_and_stops_being_it(streaming: Streaming) -> None:
    sending, node = streaming.sending, streaming.sending.node
    await sending.subscribe(types=("message:new",), conversation_ids=(streaming.group,))

    def delivers(*, final: bool) -> bool:
        running = node.webhooks._deliveries._running  # type: ignore[union-attr]
        return sending.webhook_id in running and running[sending.webhook_id].delivery.webhook.final is final

    for final in (True, False):
        await node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, final=final))
        await until(lambda final=final: delivers(final=final))  # type: ignore[misc]
        stream = await streaming.open(f"s {final}")
        opened_pos = node.chat.pos
        await streaming.end(stream, "whole")
        ended_pos = node.chat.pos
        await sending.send("a", f"after {final}")
        await streaming.wait_for(f"after {final}")
        [event] = [each for each in sending.receiver.unique() if each["data"]["id"] == str(stream)]
        assert event["id"] == f"{node.chat.epoch}-{ended_pos if final else opened_pos}"

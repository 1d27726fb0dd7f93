"""An agent's turn with a real server for the chat: what the fake turn of the other tests imitates is there."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from talkwire_agent.agent import Agent, AgentSettings
from talkwire_agent.model import Model
from talkwire_client import AskedCard, Message, MessageStream, Talkwire
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.clients_python.agent.conftest import Shop, sent, tool_parts
from tests.clients_python.agent.openai_double import OpenAiDouble, calls, chunk, texts
from tests.clients_python.conftest import Clients, chat_server, clients, world
from tests.waiting import deadline

__all__ = ["chat_server", "clients", "world"]


class ServersTurn:
    """A turn whose message and card are on a server. It does not wait for the card: a test continues it."""

    note: str | None = None

    def __init__(
        self, chat: Talkwire, conversation_id: str, agent_id: str, messages: list[Message], card: Message | None
    ) -> None:
        self.id = f"t-{messages[0]['id']}-{card and card['id']}"
        self.chat = chat
        self.conversation_id = conversation_id
        self.agent_id = agent_id
        self.messages = messages
        self.card = card
        self.ends: list[str] = []

    def stream(self, *, model: str | None = None) -> AbstractAsyncContextManager[MessageStream]:
        generated = {"model": model} if model else None
        return self.chat.stream(self.conversation_id, client_message_id=self.id, generated=generated)

    async def ask(self, card: AskedCard) -> None:
        await self.chat.send(self.conversation_id, card=card, client_message_id=f"{self.id}-card")
        self.ends.append("asked")

    async def send(self, content: str) -> Message:
        return await self.chat.send(self.conversation_id, content)

    async def done(self) -> None:
        self.ends.append("done")

    async def fail(self, code: str, message: str) -> None:
        self.ends.append(f"failed {code}: {message}")

    async def update(self, label: str) -> bool:
        return False


async def test_a_call_is_approved_on_a_server(
    chat_server: ServerProcess, clients: Clients, world: World, double: OpenAiDouble, model: Model
) -> None:
    conversation, agent_id = await with_agent(world)
    alice, helper = await clients.user(world.id_of("alice")), await clients.user(agent_id)
    shop = Shop()
    double.answers(
        chunk({"reasoning": "Order 17."})
        + calls(("t", "track", '{"order": 17}'), ("r", "refund", '{"order": 17, "amount": 10}'), text="I refund it."),
        texts("It is refunded \N{PACKAGE}."),
    )
    question = await alice.send(conversation, "Please refund order 17.")
    turn = ServersTurn(helper, conversation, agent_id, [question], None)
    async with deadline():
        await Agent(model, helper, shop.toolbox(), AgentSettings()).handle(turn)
    assert turn.ends == ["asked"]
    *_, before, card = (await alice.messages(conversation))["items"]
    assert (before["state"], before["content"]) == ("done", "I refund it.")
    assert [part["state"] for part in tool_parts(_json(before))] == ["output-available", "approval-requested"]

    await alice.choose(card["id"], ["approve"], input={"order": 17, "amount": 5.5})
    turn = ServersTurn(helper, conversation, agent_id, [question], await helper.message(card["id"]))
    async with deadline():
        await Agent(model, helper, shop.toolbox(), AgentSettings()).handle(turn)
    assert turn.ends == ["done"]
    assert shop.done == ["track 17", "refund 17 5.5"]
    answer = (await alice.messages(conversation))["items"][-1]
    assert (answer["state"], answer["content"]) == ("done", "It is refunded \N{PACKAGE}.")
    assert answer["generated"] == {"by": agent_id, "model": "small"}
    (part,) = tool_parts(_json(answer))
    assert (part["state"], part["output"], part["cardId"]) == ("output-available", "refunded", card["id"])
    assert [each["type"] for each in _json(answer)["parts"]] == ["tool", "text"]
    assert [each["role"] for each in sent(double)] == ["user", "assistant", "assistant", "tool", "assistant", "tool"]


def _json(message: Message) -> dict[str, Any]:
    found: Any = message
    return dict(found)

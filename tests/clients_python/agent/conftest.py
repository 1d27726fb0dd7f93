"""What the tests of answers share: a shop with tools, a conversation and an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from talkwire_agent import needs_approval
from talkwire_agent.agent import Agent, AgentSettings
from talkwire_agent.model import Model
from talkwire_agent.tools import Tool, tool_of
from talkwire_agent.turn_answer import ToolBox
from tests.clients_python.agent.fake_turn import FakeChat, FakeTurn, as_turn
from tests.clients_python.agent.openai_double import OpenAiDouble, running_double
from tests.waiting import DEADLINE_S, deadline

SYSTEM = "You help with orders."


class Shop:
    """The tools, and what they have done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.began = asyncio.Event()
        self.extra: list[Tool] = []
        """Tools that take the place of others with their name."""

    def toolbox(self, **options: float) -> ToolBox:
        def track(order: int) -> str:
            """Says where an order is."""
            self.done.append(f"track {order}")
            return f"order {order} is in Graz"

        async def wait() -> str:
            """Never ends."""
            self.began.set()
            await asyncio.Event().wait()
            return ""

        def fail() -> str:
            """Fails."""
            raise ValueError("There is no such order.")

        @needs_approval
        def refund(order: int, amount: float) -> str:
            """Refunds an order."""
            self.done.append(f"refund {order} {amount}")
            return "refunded"

        @needs_approval(roles=["owner"])
        def send_letter(text: str) -> str:
            """Sends a letter."""
            self.done.append("letter")
            return "sent"

        tools = [tool_of(each) for each in (track, wait, fail, refund, send_letter)]
        tools += self.extra
        return ToolBox({tool.name: tool for tool in tools}, **options)


@pytest.fixture
async def double() -> AsyncIterator[OpenAiDouble]:
    async with running_double() as found:
        yield found


@pytest.fixture
async def model(double: OpenAiDouble) -> AsyncIterator[Model]:
    async with Model(double.url, "small", api_key="secret", timeout_s=DEADLINE_S) as found:
        yield found


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


@pytest.fixture
def agent(model: Model, chat: FakeChat, shop: Shop) -> Agent:
    return Agent(model, chat, shop.toolbox(), AgentSettings(SYSTEM, update_every_s=0.01))


async def handled(agent: Agent, turn: FakeTurn) -> FakeTurn:
    async with deadline():
        await handle(agent, turn)
    return turn


async def handle(agent: Agent, turn: FakeTurn) -> None:
    await agent.handle(as_turn(turn))


def asked(chat: FakeChat, text: str = "Where is order 17?") -> FakeTurn:
    return chat.turn(chat.add("ann", text))


def sent(double: OpenAiDouble, index: int = -1) -> list[dict[str, Any]]:
    """Returns the messages of a request, without the system's."""
    messages: list[dict[str, Any]] = double.requests[index]["messages"]
    assert messages[0]["role"] == "system"
    return messages[1:]


def tool_parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in message["parts"] if part["type"] == "tool"]


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a test of an approval uses."""

    double: OpenAiDouble
    model: Model
    chat: FakeChat
    shop: Shop
    agent: Agent


@pytest.fixture
def scene(double: OpenAiDouble, model: Model, chat: FakeChat, shop: Shop, agent: Agent) -> Scene:
    return Scene(double, model, chat, shop, agent)

"""Agents with a real server for the chat: in this process, and as processes of docs/talkwire-agent.md that die."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from talkwire_agent.agent import Agent, AgentSettings
from talkwire_agent.model import Model
from talkwire_client import ListedTurn, Talkwire
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.clients_python.agent.conftest import Shop, sent, tool_parts
from tests.clients_python.agent.openai_double import OpenAiDouble, Reply, calls, chunk, texts
from tests.clients_python.conftest import Clients, chat_server, clients, world
from tests.waiting import deadline, until, until_asked

__all__ = ["chat_server", "clients", "world"]

CLIENT = Path(__file__).parents[3] / "clients/python/src"

TOOLS = """
from pathlib import Path

from talkwire_agent import needs_approval

DONE = Path(__file__).with_name("done.txt")


@needs_approval
def refund(order: int) -> str:
    \"\"\"Refunds an order.\"\"\"
    with DONE.open("a") as file:
        file.write(f"{order}\\n")
    return "refunded"
"""


class Scene:
    """A conversation of a person with an agent, whose processes a test starts."""

    def __init__(self, server: ServerProcess, chat: Talkwire, agent_id: str, conversation: str, folder: Path) -> None:
        self.server = server
        self.chat = chat
        self.agent_id = agent_id
        self.conversation = conversation
        self.folder = folder
        self.processes: list[Process] = []
        (folder / "shop.py").write_text(TOOLS, encoding="utf-8")

    async def start(self, double: OpenAiDouble) -> Process:
        """Starts a process of the agent, and waits until it asks for work."""
        process, log = await self._run(double, self.agent_id, self.agent_id)
        await until(lambda: "answers as" in log.read_text(encoding="utf-8"))
        return process

    async def refused(self, double: OpenAiDouble, user_id: str, token_of: str) -> str:
        """Starts the command for a user with the token of one, and returns what it prints when it ends with 1."""
        process, log = await self._run(double, user_id, token_of)
        async with deadline():
            assert await process.wait() == 1
        return log.read_text(encoding="utf-8")

    async def _run(self, double: OpenAiDouble, user_id: str, token_of: str) -> tuple[Process, Path]:
        options = ["--openai", double.url, "--model", "small", "--as", user_id, "--server", self.server.url]
        options += ["--tools", str(self.folder / "shop.py"), "--lease", "5"]
        environment = {**os.environ, "PYTHONPATH": str(CLIENT), "TALKWIRE_TOKEN": self.server.token(token_of)}
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "talkwire_agent", *options), env=environment, stderr=file
            )
        self.processes.append(process)
        return process, log

    async def ask(self, text: str) -> None:
        await self.chat.send(self.conversation, text)

    async def messages(self) -> list[dict[str, Any]]:
        """Returns the agent's messages, the oldest first."""
        found: list[Any] = (await self.chat.messages(self.conversation))["items"]
        return [each for each in found if each["senderId"] == self.agent_id and "deletedAt" not in each]

    async def ended(self, count: int) -> list[dict[str, Any]]:
        """Returns the agent's messages once there are so many, which have ended, and nobody works on the turn."""

        async def ended() -> list[dict[str, Any]]:
            found = await self.messages()
            turn = await self.turn()
            has_ended = len(found) == count and all(map(_has_ended, found)) and turn["state"] != "working"
            return found if has_ended else []

        return await until_asked(ended)

    async def turn(self) -> ListedTurn:
        """Returns the newest turn."""
        return await anext(self.chat.list_turns(agent_id=self.agent_id))

    def refunds(self) -> list[str]:
        path = self.folder / "done.txt"
        return path.read_text(encoding="utf-8").split() if path.exists() else []


def _has_ended(message: dict[str, Any]) -> bool:
    return message.get("state") not in {"streaming", "interrupted"}


@pytest.fixture
async def scene(chat_server: ServerProcess, clients: Clients, world: World, tmp_path: Path) -> AsyncIterator[Scene]:
    conversation, agent_id = await with_agent(world)
    alice = await clients.user(world.id_of("alice"))
    await alice.update_conversation(conversation, agents="all")
    found = Scene(chat_server, alice, agent_id, conversation, tmp_path)
    try:
        yield found
    finally:
        for process in found.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def working(agent: Agent, chat: Talkwire) -> AsyncIterator[None]:
    """Lets an agent answer, in this process."""
    async with chat.turns() as turns:
        task = asyncio.create_task(turns.run(agent.handle))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_call_is_approved_on_a_server(
    scene: Scene, clients: Clients, double: OpenAiDouble, model: Model
) -> None:
    shop = Shop()
    double.answers(
        chunk({"reasoning": "Order 17."})
        + calls(("t", "track", '{"order": 17}'), ("r", "refund", '{"order": 17, "amount": 10}'), text="I refund it."),
        texts("It is refunded \N{PACKAGE}."),
    )
    helper = await clients.user(scene.agent_id)
    async with working(Agent(model, helper, shop.toolbox(), AgentSettings()), helper):
        await scene.ask("Please refund order 17.")
        before, card = await scene.ended(2)
    assert (before["state"], before["content"]) == ("done", "I refund it.")
    assert [part["state"] for part in tool_parts(before)] == ["output-available", "approval-requested"]
    turn = await scene.turn()
    assert turn["state"] == "waiting"

    await scene.chat.choose(card["id"], ["approve"], input={"order": 17, "amount": 5.5})
    async with working(Agent(model, helper, shop.toolbox(), AgentSettings()), helper):
        *_, answer = await scene.ended(3)
    assert shop.done == ["track 17", "refund 17 5.5"]
    assert (answer["state"], answer["content"]) == ("done", "It is refunded \N{PACKAGE}.")
    assert answer["generated"] == {"by": scene.agent_id, "model": "small"}
    (part,) = tool_parts(answer)
    assert (part["state"], part["output"], part["cardId"]) == ("output-available", "refunded", card["id"])
    assert [each["type"] for each in answer["parts"]] == ["tool", "text"]
    assert [each["role"] for each in sent(double)] == ["user", "assistant", "assistant", "tool", "assistant", "tool"]
    assert (await scene.turn())["state"] == "done"


async def test_another_process_continues_the_answer_of_one_that_was_killed(scene: Scene, double: OpenAiDouble) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"), texts("It was sent."))
    await scene.start(double)
    await scene.ask("Where is order 17?")
    (first,) = await until_asked(scene.messages)
    await scene.start(double)
    scene.processes[0].kill()
    (answer,) = await scene.ended(1)
    assert (answer["id"], answer["state"], answer["content"]) == (first["id"], "done", "It was sent.")
    assert len(double.requests) == 2


async def test_another_process_executes_what_was_approved_after_the_first_was_killed(
    scene: Scene, double: OpenAiDouble
) -> None:
    double.answers(calls(("r", "refund", '{"order": 17}')), texts("It is refunded."))
    await scene.start(double)
    await scene.ask("Please refund order 17.")
    (card,) = await scene.ended(1)
    scene.processes[0].kill()
    assert scene.refunds() == []
    await scene.chat.choose(card["id"], ["approve"], input={"order": 17})
    await scene.start(double)
    _, answer = await scene.ended(2)
    assert (answer["state"], answer["content"]) == ("done", "It is refunded.")
    assert scene.refunds() == ["17"]


async def test_a_process_that_is_terminated_gives_its_turn_back(scene: Scene, double: OpenAiDouble) -> None:
    double.answers(Reply([chunk({"content": "It was "})], ending="silence"), texts("It was sent."))
    process = await scene.start(double)
    await scene.ask("Where is order 17?")
    await until_asked(scene.messages)
    process.terminate()
    async with deadline():
        assert await process.wait() == 0
    await scene.start(double)
    (answer,) = await scene.ended(1)
    assert answer["content"] == "It was sent."
    turn = await scene.turn()
    assert (turn["state"], turn.get("tries", 0)) == ("done", 0)


async def test_two_processes_answer_each_message_once(scene: Scene, clients: Clients, double: OpenAiDouble) -> None:
    double.answers(texts("Yes."))
    await asyncio.gather(scene.start(double), scene.start(double))
    service = await clients.service()
    rooms = [await service.create_conversation("direct", [scene.agent_id, f"{scene.agent_id}-{n}"]) for n in range(12)]
    for number, room in enumerate(rooms):
        await service.send(room["id"], "Hello?", sender_id=f"{scene.agent_id}-{number}")
    for room in rooms:

        async def answers(id_: str = room["id"]) -> list[str | None]:
            found = [each async for each in service.history(id_) if each["senderId"] == scene.agent_id]
            return [each.get("content") for each in found if each.get("state") == "done"]

        assert await until_asked(answers) == ["Yes."]
    assert len(double.requests) == len(rooms)


async def test_a_token_of_another_user_or_of_a_person_is_refused(
    scene: Scene, world: World, double: OpenAiDouble
) -> None:
    alice = world.id_of("alice")
    other = await scene.refused(double, scene.agent_id, alice)
    assert other == f"talkwire-agent: --as: the token is that of {alice}, not of {scene.agent_id}\n"
    person = await scene.refused(double, alice, alice)
    assert person.startswith(f"talkwire-agent: --as: {alice} is no agent: ")
    assert person.count("\n") == 1

"""The agent of `examples/agent`, which docs/tutorials/agents.md writes from an empty file, as two processes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talkwire_client import ListedTurn, Message, Talkwire
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.clients_python.conftest import Clients
from tests.forked_talkwire import ForkedProcess, Streams, start_python
from tests.waiting import DEADLINE_S, until_asked

REPOSITORY = Path(__file__).parents[2]
PROGRAM = REPOSITORY / "examples/agent/agent.py"
PAGE = REPOSITORY / "docs/tutorials/agents.md"

LINES_MAX = 60


class Scene:
    """Alice asks an agent in a direct conversation, and a test starts the agent's processes."""

    def __init__(self, server: ServerProcess, alice: Talkwire, conversation: str, agent: str, folder: Path) -> None:
        self.alice = alice
        self.conversation = conversation
        self.agent = agent
        self.folder = folder
        self._server = server
        self.processes: list[ForkedProcess] = []

    def start(self) -> ForkedProcess:
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "clients/python/src"),
            "PYTHONUNBUFFERED": "1",
            "TALKWIRE_TOKEN": self._server.token(self.agent),
        }
        with Path(os.devnull).open("rb") as nothing, (self.folder / "log").open("ab") as log:
            streams = Streams(nothing, log, log)
            process = start_python([str(PROGRAM), self._server.url], streams, environment, self.folder)
        self.processes.append(process)
        return process

    async def messages(self) -> list[Message]:
        """Returns the agent's messages, the oldest first."""
        found = [each async for each in self.alice.history(self.conversation)]
        return [each for each in reversed(found) if each["senderId"] == self.agent and "deletedAt" not in each]

    async def turn(self) -> ListedTurn:
        return await anext(self.alice.list_turns(agent_id=self.agent))

    async def newest_with(self, text: str) -> Message:
        """Returns the agent's newest message once it has a text."""

        async def found() -> Message | None:
            messages = await self.messages()
            return messages[-1] if messages and text in messages[-1]["content"] else None

        message = await until_asked(found)
        assert message is not None
        return message

    def printed(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@pytest.fixture
async def scene(chat_server: ServerProcess, clients: Clients, world: World, tmp_path: Path) -> AsyncIterator[Scene]:
    conversation, agent = await with_agent(world)
    alice = await clients.user(world.id_of("alice"))
    await alice.update_conversation(conversation, agents="all")
    found = Scene(chat_server, alice, conversation, agent, tmp_path)
    yield found
    for process in found.processes:
        process.kill()
        process.wait(DEADLINE_S)


def test_the_page_shows_the_program_as_it_is() -> None:
    program = PROGRAM.read_text(encoding="utf-8")
    assert f"```python\n{program}```" in PAGE.read_text(encoding="utf-8")
    assert len(program.splitlines()) <= LINES_MAX


async def test_another_process_writes_the_answer_of_one_that_was_killed(scene: Scene) -> None:
    first = scene.start()
    await scene.alice.send(scene.conversation, "Where is the blue frame?")
    begun = await scene.newest_with("You have asked")
    scene.start()
    first.kill()
    whole = await scene.newest_with("order 17.")
    assert whole["id"] == begun["id"]
    assert whole["content"].strip() == (
        "You have asked: *Where is the blue frame?* I can also refund orders, such as order 17."
    )

    async def has_ended() -> bool:
        return (await scene.turn())["state"] == "done"

    assert await until_asked(has_ended)
    assert len(await scene.messages()) == 1


async def test_an_answer_is_stopped(scene: Scene) -> None:
    scene.start()
    await scene.alice.send(scene.conversation, "And why? " * 20)
    await scene.alice.stop((await scene.newest_with("You have asked"))["id"])

    async def stopped() -> bool:
        return (await scene.messages())[-1]["state"] == "stopped"

    assert await until_asked(stopped)
    assert "order 17" not in (await scene.messages())[-1]["content"]


@pytest.mark.parametrize("choice", ["refund", "decline"])
async def test_another_process_continues_after_the_decision(scene: Scene, choice: str) -> None:
    first = scene.start()
    await scene.alice.send(scene.conversation, "Please refund order 21")
    card = await scene.newest_with("Refund order 21?")
    first.kill()
    await scene.alice.choose(card["id"], [choice])
    scene.start()
    await scene.newest_with("Order 21 is refunded." if choice == "refund" else "Order 21 is not refunded.")
    turn = await scene.turn()
    assert scene.printed().count(f"refund 21 {turn['id']}") == (choice == "refund")

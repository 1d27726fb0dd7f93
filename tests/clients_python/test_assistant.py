"""The assistant of `examples/assistant`, which docs/tutorials/assistant.md writes from an empty file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talkwire_client import Message, Talkwire
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.clients_python.conftest import Clients
from tests.forked_talkwire import Streams, start_python
from tests.waiting import DEADLINE_S, until, until_asked

REPOSITORY = Path(__file__).parents[2]
PROGRAM = REPOSITORY / "examples/assistant/assistant.py"
PAGE = REPOSITORY / "docs/tutorials/assistant.md"


@contextmanager
def running_assistant(server: ServerProcess, agent: str, folder: Path) -> Iterator[None]:
    """Runs the program, and kills it at the end."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "clients/python/src"),
        "TALKWIRE_TOKEN": server.token(agent),
    }
    with Path(os.devnull).open("rb") as nothing, (folder / "log").open("ab") as log:
        process = start_python([str(PROGRAM), server.url], Streams(nothing, log, log), environment, folder)
    try:
        yield
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def test_the_page_shows_the_program_as_it_is() -> None:
    assert f"```python\n{PROGRAM.read_text(encoding='utf-8')}```" in PAGE.read_text(encoding="utf-8")


async def test_an_answer_that_was_cut_off_is_written_again_and_one_that_is_stopped_ends(
    chat_server: ServerProcess, clients: Clients, world: World, tmp_path: Path
) -> None:
    conversation, agent = await with_agent(world)
    alice = await clients.user(world.id_of("alice"))

    async def answer(question: str, text: str) -> Message | None:
        """Returns the answer to a question if it has this text."""
        async for each in alice.history(conversation):
            if each.get("replyTo", {}).get("id") == question:
                return each if text in each.get("content", "") else None
        return None

    with running_assistant(chat_server, agent, tmp_path):
        await until((tmp_path / "assistant.cursor").exists)
        first = (await alice.send(conversation, "Where is the blue frame?"))["id"]
        await until_asked(lambda: answer(first, "You have"))
    with running_assistant(chat_server, agent, tmp_path):
        whole = await until_asked(lambda: answer(first, "characters."))
        assert whole is not None
        assert whole["content"].strip() == "You have asked me: *Where is the blue frame?* That has 24 characters."
        second = (await alice.send(conversation, "And why? " * 40))["id"]
        begun = await until_asked(lambda: answer(second, "You have"))
        assert begun is not None
        stopping = begun["id"]
        await alice.stop(stopping)
        stopped = await until_asked(lambda: _ended(alice, stopping))
    assert stopped is not None
    assert (stopped["state"], stopped["content"].startswith("You have")) == ("stopped", True)
    assert "characters" not in stopped["content"]


async def _ended(chat: Talkwire, message_id: str) -> Message | None:
    found = await chat.message(message_id)
    return found if found["state"] != "streaming" else None

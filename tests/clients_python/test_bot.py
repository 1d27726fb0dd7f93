"""The bot of `examples/python-bot`: it answers mentions, also of the time when it was not running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talkwire_client import Talkwire
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.clients_python.conftest import Clients
from tests.forked_talkwire import Streams, start_python
from tests.waiting import DEADLINE_S, until_asked

REPOSITORY = Path(__file__).parents[2]
BOT = REPOSITORY / "examples/python-bot/bot.py"


@contextmanager
def running_bot(server: ServerProcess, bot_id: str, folder: Path) -> Iterator[None]:
    """Runs the bot, and kills it at the end."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "clients/python/src"),
        "TALKWIRE_TOKEN": server.token(bot_id),
    }
    with Path(os.devnull).open("rb") as nothing, (folder / "bot.log").open("ab") as log:
        command = [str(BOT), server.url, str(folder / "bot.cursor")]
        process = start_python(command, Streams(nothing, log, log), environment, folder)
    try:
        yield
    finally:
        process.kill()
        process.wait(DEADLINE_S)


async def answers(alice: Talkwire, room: str, bot_id: str, number: int) -> list[str]:
    """Returns the bot's messages when there are so many."""

    async def found() -> list[str] | None:
        texts = [m.get("content", "") async for m in alice.history(room) if m["senderId"] == bot_id]
        return texts[::-1] if len(texts) >= number else None

    answered = await until_asked(found)
    assert answered is not None
    return answered


async def test_the_bot_answers_each_mention_once(
    chat_server: ServerProcess, clients: Clients, world: World, tmp_path: Path
) -> None:
    bot_id, alice = world.id_of("helper"), await clients.user(world.id_of("alice"))
    await clients.user(bot_id)
    room = (await alice.create_conversation("group", [bot_id], name="Help"))["id"]

    async def follows() -> bool:
        await alice.send(room, "Nobody is mentioned.")
        return (tmp_path / "bot.cursor").exists()

    with running_bot(chat_server, bot_id, tmp_path):
        await until_asked(follows)
        await alice.send(room, f"@{bot_id} hello")
        assert len(await answers(alice, room, bot_id, 1)) == 1
    await alice.send(room, f"@{bot_id} are you there?")
    with running_bot(chat_server, bot_id, tmp_path):
        found = await answers(alice, room, bot_id, 2)
    assert [text.partition(": ")[2] for text in found] == [f"@{bot_id} hello", f"@{bot_id} are you there?"]

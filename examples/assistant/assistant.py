"""An assistant that answers while it thinks: each answer grows word by word.

pip install "$CLONE"/dist/talkwire_client-*.whl    # docs/packages.md
TALKWIRE_TOKEN=$(talkwire token assistant) python assistant.py http://localhost:3000

It keeps its cursor in a file. Killed in the middle of an answer, it writes that answer again when it runs again.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from talkwire_client import Message, Talkwire

CURSOR = Path("assistant.cursor")


def store(cursor: str) -> None:
    new = CURSOR.with_suffix(".new")
    new.write_text(cursor)
    new.replace(CURSOR)  # at once, so that a kill leaves the old cursor or the new one


def stored_or(cursor: str) -> str:
    if not CURSOR.exists():
        store(cursor)
    return CURSOR.read_text()


async def words(question: str) -> AsyncIterator[str]:
    """Stands for a language model."""
    for word in f"You have asked me: *{question}* That has {len(question)} characters.".split(" "):
        yield f"{word} "
        await asyncio.sleep(0.2)


async def answer(chat: Talkwire, question: Message) -> None:
    async with chat.stream(
        question["conversationId"],
        reply_to_id=question["id"],
        client_message_id=f"answer-{question['id']}",  # the same one when the program has to write it again
    ) as message:
        if message.parts:
            await message.rewind(0)
        async for word in words(question["content"]):
            if message.stopped:
                break
            await message.text(word)


async def main(url: str) -> None:
    async with Talkwire(url, token=os.environ["TALKWIRE_TOKEN"]) as chat:
        own_id = (await chat.me())["id"]
        async for event in chat.events(after=stored_or(chat.cursor)):
            if event.type == "message:new" and event.data["senderId"] != own_id:
                await answer(chat, event.data)
            store(event.cursor)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""A bot that answers when a message mentions it.

pip install "$CLONE"/dist/talkwire_client-*.whl    # docs/packages.md
TALKWIRE_TOKEN=$(talkwire token helper --name Helper) python bot.py http://localhost:3000 helper.cursor

It keeps its cursor in a file, so it also answers what was written while it did not run, and nothing twice.
"""

import asyncio
import os
import sys
from pathlib import Path

from talkwire_client import Message, Talkwire, TalkwireError


def store(cursor: str, file: Path) -> None:
    new = file.with_suffix(".new")
    new.write_text(cursor)
    new.replace(file)  # at once, so that a kill leaves the old cursor or the new one


def stored_in(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


async def answer(chat: Talkwire, message: Message) -> None:
    name = message["sender"]["name"]
    try:
        # The id makes the answer unique, also if the bot is killed before it has stored its cursor.
        await chat.send(
            message["conversationId"],
            f"{name}, you wrote: {message.get('content', '')}",
            reply_to_id=message["id"],
            client_message_id=f"answer-{message['id']}",
        )
    except TalkwireError as error:  # the bot may have been removed or muted, for example
        print(f"no answer to {message['id']}: {error}", file=sys.stderr)


async def main(url: str, file: Path) -> None:
    async with Talkwire(url, token=os.environ["TALKWIRE_TOKEN"]) as chat:
        own_id = (await chat.me())["id"]
        cursor = stored_in(file) or chat.cursor
        store(cursor, file)
        while True:
            try:
                async for event in chat.events(after=cursor):
                    if (
                        event.type == "message:new"
                        and own_id in event.data.get("mentions", ())
                        and event.data["senderId"] != own_id
                    ):
                        await answer(chat, event.data)
                    cursor = event.cursor
                    store(cursor, file)
            except TalkwireError as error:
                if not error.must_reload:
                    raise
                # The server does not have the events since then any more. This bot keeps no state to load again.
                cursor = (await chat.load()).cursor


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))

"""An agent whose answers grow while it writes them, and which asks people before it refunds an order.

pip install "$CLONE"/dist/talkwire_client-*.whl    # docs/packages.md
TALKWIRE_TOKEN=$(talkwire token helper) python agent.py http://localhost:3000

Start it as often as you like: each message is answered once, and a process that is killed loses nothing.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator

from talkwire_client import Card, CardAction, Talkwire, Turn

ACTIONS: list[CardAction] = [{"id": "refund", "label": "Refund"}, {"id": "decline", "label": "Decline"}]


async def words(question: str) -> AsyncIterator[str]:
    """Stands for a language model."""
    for word in f"You have asked: *{question}* I can also refund orders, such as order 17.".split(" "):
        yield f"{word} "
        await asyncio.sleep(0.2)


async def answer(turn: Turn) -> None:
    question = "\n".join(message["content"] for message in turn.messages)
    order = re.search(r"refund order (\d+)", question, re.IGNORECASE)
    if turn.card is not None:  # people have decided, perhaps about what another process has asked
        await turn.send(decided(turn.card, key=turn.id))
    elif order is not None:
        await turn.ask(f"Refund order {order[1]}?", ACTIONS, subject={"order": order[1]})
    else:
        async with turn.stream() as message:
            async for word in words(question):
                if message.stopped:
                    break
                await message.text(word)


def decided(card: Card, key: str) -> str:
    order = card["subject"]["order"]
    if card.get("actionId") != "refund":
        return f"Order {order} is not refunded."
    print(f"refund {order} {key}")  # stands for a request to the payment provider, which executes a key once
    return f"Order {order} is refunded."


async def main(url: str) -> None:
    async with Talkwire(url, token=os.environ["TALKWIRE_TOKEN"]) as chat, chat.turns(lease_s=15) as turns:
        await turns.run(answer)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

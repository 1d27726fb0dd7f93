"""What people ask of the agent, and what its processes write: all of it follows from texts and ids, so that the rig can
say afterwards what should be there."""

from __future__ import annotations

import random
import re
from typing import Literal, get_args

AGENT = "helper"
PAIR = ("ping", "pong")
"""Two agents that mention each other in each answer."""

PAIR_CONVERSATION = "pair"
LEASE_S = 5
DEPTH = 3
"""How many messages of agents answer each other at most."""

Wish = Literal["answer", "stream", "card", "expiring", "nothing"]
"""What somebody wants: a message at once, one that is written while others read it, one after a decision about a card
(which expires with `expiring`), or no answer."""

WISHES: tuple[Wish, ...] = get_args(Wish)
_WEIGHTS = (40, 30, 12, 4, 14)
_WISH = re.compile(rf"please ({'|'.join(WISHES)})")
_PIECE = re.compile(r"\[(\d+)\.")
_PIECES = (3, 8)


def random_wish(chance: random.Random) -> Wish:
    return chance.choices(WISHES, _WEIGHTS)[0]


def request_text(wish: Wish, number: int, *, mention: bool) -> str:
    """Returns the text of a message that asks the agent for something."""
    return f"{f'@{AGENT} ' if mention else ''}please {wish} {number}"


def wish_in(text: str) -> Wish:
    """Returns what a message asks for. Raises ValueError for another text."""
    found = _WISH.search(text)
    if found is None:
        raise ValueError(text)
    return next(wish for wish in WISHES if wish == found[1])


def pieces_of(turn_id: str, attempt: int) -> list[str]:
    """Returns what an attempt appends to the message that it streams, piece by piece."""
    number = random.Random(f"{turn_id}.{attempt}").randint(*_PIECES)
    return [*(f"[{attempt}.{each}]" for each in range(number)), f"[{attempt}.end]"]


def attempts_in(text: str) -> list[int]:
    """Returns the attempts whose pieces a streamed text has, in the order of the pieces."""
    return [int(attempt) for attempt in _PIECE.findall(text)]

"""The campaign's users, conversations and clients. All of them follow from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

from rigs.torture.clients.client_socket import Transports
from rigs.torture.words import DIALECTS

Library = Literal["socket.io-client", "socket.io-client-4.5.4", "python-socketio", "rest"]

WEBSOCKET: Transports = ("websocket",)
TRANSPORTS: tuple[Transports, ...] = (WEBSOCKET, ("polling", "websocket"), ("polling",))
"""The second is the libraries' default: they start with polling and upgrade."""


@dataclass(frozen=True)
class Conversation:
    """A conversation. `moving`: its members change. Ids are numerals, as the crm dialect requires."""

    id: str
    kind: Literal["group", "direct"]
    members: tuple[str, ...]
    moving: bool = False


@dataclass(frozen=True)
class Role:
    """One client. `brief`: it leaves of its own accord again and again."""

    name: str
    user: str
    library: Library
    dialect: str
    transports: Transports = WEBSOCKET
    recovers: bool = False
    brief: bool = False


@dataclass(frozen=True)
class World:
    users: tuple[str, ...]
    conversations: tuple[Conversation, ...]
    roles: tuple[Role, ...]

    def stable(self, user: str) -> list[str]:
        """The conversations that a user is in all the time."""
        return [each.id for each in self.conversations if user in each.members and not each.moving]

    def moving(self) -> list[Conversation]:
        return [each for each in self.conversations if each.moving]


def make_world(seed: int, clients: int, *, websocket_only: bool = False) -> World:
    """About one client in eight speaks REST only; the others go through all dialects, libraries and transports."""
    chance = random.Random(f"{seed} world")
    users = tuple(f"user-{number}" for number in range(max(4, clients // 3)))
    return World(users, _conversations(users, chance), _roles(users, clients, chance, websocket_only=websocket_only))


def _conversations(users: tuple[str, ...], chance: random.Random) -> tuple[Conversation, ...]:
    half = max(3, len(users) // 2)
    groups = [Conversation(str(102 + number), "group", tuple(chance.sample(users, half))) for number in range(3)]
    return (
        Conversation("101", "group", users),
        *groups,
        Conversation("105", "direct", (users[0], users[1])),
        Conversation("106", "direct", (users[2], users[3])),
        Conversation("110", "group", (users[0], *users[1::2]), moving=True),
        Conversation("111", "group", (users[0], *users[2::2]), moving=True),
    )


_KINDS: tuple[tuple[Library, bool], ...] = (
    ("socket.io-client", True),
    ("python-socketio", False),
    ("socket.io-client", False),
    ("socket.io-client", True),
    ("socket.io-client-4.5.4", False),
)
"""(library, whether it recovers). The newest official client recovers; the older one and Python's cannot."""


def _roles(users: tuple[str, ...], clients: int, chance: random.Random, *, websocket_only: bool) -> tuple[Role, ...]:
    roles: list[Role] = []
    # A step further in each round, so that every dialect meets every library and way of connecting.
    dialects, kinds, transports = cycle(DIALECTS), cycle(_KINDS), cycle((WEBSOCKET,) if websocket_only else TRANSPORTS)
    gateway_users = set()
    for number in range(clients):
        user = users[number % len(users)]
        if number % 8 == 7:
            roles.append(Role(f"rest-{number}", user, "rest", "messenger"))
            continue
        dialect = next(dialects)
        if dialect == "gateway":
            # In this dialect, only the first socket of a user receives what the user missed, so there is only one.
            if user in gateway_users:
                dialect = next(dialects)
            else:
                gateway_users.add(user)
        if dialect == "messenger":
            next(kinds)
        library, recovers = next(kinds)
        roles.append(
            Role(
                f"{dialect}-{number}", user, library, dialect, next(transports), recovers, brief=chance.random() < 0.25
            )
        )
    return tuple(roles)

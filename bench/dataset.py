"""Defines the users and conversations of a benchmark scenario, and writes them to files for servers and load
generator.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt

# Shared by servers and runner; it protects nothing.
SECRET = "a secret of the benchmarks, long enough for HS256"
TOKEN_TTL_S = 6 * 3600


@dataclass(frozen=True)
class Dataset:
    """The users and conversations of a benchmark scenario.

    `conversations` has the member ids of each conversation; every user is a member of at least one. With `strangers`,
    the clients are so many other people instead, whom no server has seen before.
    """

    conversations: dict[str, list[str]]
    strangers: int = 0

    @property
    def users(self) -> list[str]:
        """The ids of all members, without repetition, in the order in which the conversations list them."""
        return list(dict.fromkeys(user for members in self.conversations.values() for user in members))

    def write(self, folder: Path) -> DatasetFiles:
        """Writes the users' tokens and the conversations to files in `folder`, for the load generator and the compared
        servers.
        """
        files = DatasetFiles(folder / "tokens", folder / "conversation-ids", folder / "conversations.json")
        clients = [f"stranger-{n}" for n in range(self.strangers)] or self.users
        files.tokens.write_text("".join(f"{token(user)}\n" for user in clients))
        files.conversation_ids.write_text("".join(f"{conversation}\n" for conversation in self.conversations))
        files.conversations.write_text(json.dumps(self.conversations))
        return files


@dataclass(frozen=True)
class DatasetFiles:
    tokens: Path  # one JWT per line: of the strangers, or in the order of Dataset.users
    conversation_ids: Path  # one per line
    conversations: Path  # JSON: conversation id to member ids

    def of_conversations(self, first: int, count: int) -> DatasetFiles:
        """Writes and returns the files of `count` conversations from the one with the number `first` on, and of their
        members' tokens.
        """
        conversations: dict[str, list[str]] = json.loads(self.conversations.read_text())
        token_of = dict(zip(Dataset(conversations).users, self.tokens.read_text().splitlines(), strict=True))
        part = Dataset(dict(list(conversations.items())[first : first + count]))
        folder = self.tokens.parent
        tokens, ids = folder / f"tokens-{first}", folder / f"conversation-ids-{first}"
        tokens.write_text("".join(f"{token_of[user]}\n" for user in part.users))
        ids.write_text("".join(f"{conversation}\n" for conversation in part.conversations))
        return DatasetFiles(tokens, ids, self.conversations)


def one_conversation(members: int) -> Dataset:
    """Returns a dataset with all users in one conversation."""
    return Dataset({"everybody": [f"user-{n}" for n in range(members)]})


def rooms(count: int, members: int) -> Dataset:
    """Returns `count` conversations with `members` members each, and one more user, who comes first and is in all of
    them.
    """
    return Dataset(
        {f"room-{room}": ["speaker", *(f"user-{room}-{n}" for n in range(members))] for room in range(count)}
    )


def crowds(count: int, members: int) -> Dataset:
    """Returns `count` conversations with `members` members each. No user is in two conversations."""
    return Dataset({f"crowd-{crowd}": [f"user-{crowd}-{n}" for n in range(members)] for crowd in range(count)})


def agents(count: int, readers: int) -> Dataset:
    """Returns a dataset of `count` agents, each of whom has a conversation of two with each of `readers` users of its
    own.
    """
    return Dataset(
        {f"talk-{agent}-{n}": [f"agent-{agent}", f"user-{agent}-{n}"] for agent in range(count) for n in range(readers)}
    )


def pairs(users: int) -> Dataset:
    """Returns a dataset of `users` users, in which each two consecutive users have a conversation of their own."""
    return Dataset({f"pair-{n}": [f"user-{n}", f"user-{n + 1}"] for n in range(0, users, 2)})


def strangers(count: int) -> Dataset:
    """Returns a dataset with `count` clients whom no server has seen before."""
    return Dataset(pairs(2).conversations, count)


def name(user: str) -> str:
    """Returns the display name of a user id, such as `User 1` for `user-1`."""
    return user.replace("-", " ").title()


def token(user: str, role: str = "user", **claims: str) -> str:
    """Returns a JWT (access token) for a user, as the application's back end would issue it, with further claims."""
    usual = {"sub": user, "name": name(user), "role": role, "exp": int(time.time()) + TOKEN_TTL_S}
    return jwt.encode(usual | claims, SECRET, algorithm="HS256")

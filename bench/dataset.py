"""Who talks with whom in a scenario, and the files from which servers and load generator learn it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt

# Servers and runner share it; it protects nothing.
SECRET = "a secret of the benchmarks, long enough for HS256"
TOKEN_TTL_S = 6 * 3600


@dataclass(frozen=True)
class Dataset:
    """`conversations` holds the member ids of each; every user is a member somewhere."""

    conversations: dict[str, list[str]]

    @property
    def users(self) -> list[str]:
        """All members, in the order in which the conversations name them."""
        return list(dict.fromkeys(user for members in self.conversations.values() for user in members))

    def write(self, folder: Path) -> DatasetFiles:
        """Write the lists that the load generator and the peers read."""
        files = DatasetFiles(folder / "tokens", folder / "conversation-ids", folder / "conversations.json")
        files.tokens.write_text("".join(f"{token(user)}\n" for user in self.users))
        files.conversation_ids.write_text("".join(f"{conversation}\n" for conversation in self.conversations))
        files.conversations.write_text(json.dumps(self.conversations))
        return files


@dataclass(frozen=True)
class DatasetFiles:
    tokens: Path  # one JWT per line, in the order of Dataset.users
    conversation_ids: Path  # one per line
    conversations: Path  # JSON: conversation id to member ids

    def of_conversation(self, number: int, members: int) -> DatasetFiles:
        """The files of one conversation, where all are of that size and nobody is in two."""
        folder = self.tokens.parent
        tokens, ids = folder / f"tokens-{number}", folder / f"conversation-ids-{number}"
        lines = self.tokens.read_text().splitlines(keepends=True)
        tokens.write_text("".join(lines[number * members : (number + 1) * members]))
        ids.write_text(self.conversation_ids.read_text().splitlines(keepends=True)[number])
        return DatasetFiles(tokens, ids, self.conversations)


def one_conversation(members: int) -> Dataset:
    """Everybody in one room."""
    return Dataset({"everybody": [f"user-{n}" for n in range(members)]})


def rooms(count: int, members: int) -> Dataset:
    """Conversations of so many, with one more user who is a member of all and comes first."""
    return Dataset(
        {f"room-{room}": ["speaker", *(f"user-{room}-{n}" for n in range(members))] for room in range(count)}
    )


def crowds(count: int, members: int) -> Dataset:
    """Conversations of so many, with nobody in two."""
    return Dataset({f"crowd-{crowd}": [f"user-{crowd}-{n}" for n in range(members)] for crowd in range(count)})


def pairs(users: int) -> Dataset:
    """Neighbours in conversations of two."""
    return Dataset({f"pair-{n}": [f"user-{n}", f"user-{n + 1}"] for n in range(0, users, 2)})


def token(user: str, role: str = "user") -> str:
    """A JWT as an application would issue it."""
    claims = {"sub": user, "name": user.replace("-", " ").title(), "role": role, "exp": int(time.time()) + TOKEN_TTL_S}
    return jwt.encode(claims, SECRET, algorithm="HS256")

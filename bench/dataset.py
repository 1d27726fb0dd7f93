"""The users and conversations of a scenario, and the files that pass them to the servers and the load generator."""

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
    """Users and conversations. `conversations` has the member ids of each; every user is a member of at least one."""

    conversations: dict[str, list[str]]

    @property
    def users(self) -> list[str]:
        """All members, in the order in which the conversations list them."""
        return list(dict.fromkeys(user for members in self.conversations.values() for user in members))

    def write(self, folder: Path) -> DatasetFiles:
        """Writes the files that the load generator and the peers read."""
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
        """Returns the files of one conversation. All conversations must have this size, and no user may be in two."""
        folder = self.tokens.parent
        tokens, ids = folder / f"tokens-{number}", folder / f"conversation-ids-{number}"
        lines = self.tokens.read_text().splitlines(keepends=True)
        tokens.write_text("".join(lines[number * members : (number + 1) * members]))
        ids.write_text(self.conversation_ids.read_text().splitlines(keepends=True)[number])
        return DatasetFiles(tokens, ids, self.conversations)


def one_conversation(members: int) -> Dataset:
    """Returns a dataset with all users in one conversation."""
    return Dataset({"everybody": [f"user-{n}" for n in range(members)]})


def rooms(count: int, members: int) -> Dataset:
    """Returns conversations of this size, and one more user, the first, who is a member of all of them."""
    return Dataset(
        {f"room-{room}": ["speaker", *(f"user-{room}-{n}" for n in range(members))] for room in range(count)}
    )


def crowds(count: int, members: int) -> Dataset:
    """Returns conversations of this size, with no user in two of them."""
    return Dataset({f"crowd-{crowd}": [f"user-{crowd}-{n}" for n in range(members)] for crowd in range(count)})


def pairs(users: int) -> Dataset:
    """Returns neighbouring users in direct conversations."""
    return Dataset({f"pair-{n}": [f"user-{n}", f"user-{n + 1}"] for n in range(0, users, 2)})


def token(user: str, role: str = "user") -> str:
    """Returns a JWT as an application would issue it."""
    claims = {"sub": user, "name": user.replace("-", " ").title(), "role": role, "exp": int(time.time()) + TOKEN_TTL_S}
    return jwt.encode(claims, SECRET, algorithm="HS256")

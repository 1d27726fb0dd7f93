"""How many exports a user, and all together, download at the same time, and how slowly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from talkwire.api.user_exports import AT_ONCE_MAX, UserExports
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, User
from talkwire.core.engine.limits import Kind, Limits
from talkwire.files.byte_store import ByteStore

ALICE = Actor("alice", "Alice")
BACKEND = Actor("backend", "Backend", role="service")
ADMIN = Actor("operator", "Operator", role="admin")


async def read(function: Callable[[Any], None]) -> None:
    """Reads nothing."""


def _user(id_: str) -> User:
    return User(id_, id_.title(), 0)


async def _refusal(exports: UserExports, user: str, actor: Actor) -> str | None:
    """Returns the error's code if the export is refused. An export that begins ends at once."""
    try:
        await exports.begin(_user(user), actor).aclose()
    except ChatError as error:
        return error.code
    return None


@pytest.fixture
def exports(tmp_path: Path) -> UserExports:
    return UserExports(read, ByteStore(tmp_path), Limits())


async def test_a_user_downloads_one_export_at_a_time(exports: UserExports) -> None:
    export = exports.begin(_user("alice"), ALICE)
    assert await _refusal(exports, "alice", ALICE) == "rate_limited"
    assert await _refusal(exports, "bob", Actor("bob", "Bob")) is None
    await export.aclose()
    assert await _refusal(exports, "alice", ALICE) is None


async def test_all_together_download_so_many(exports: UserExports) -> None:
    begun = [exports.begin(_user(f"u{number}"), BACKEND) for number in range(AT_ONCE_MAX)]
    assert await _refusal(exports, "alice", ALICE) == "unavailable"
    for _ in range(2):
        await begun[0].aclose()
    assert await _refusal(exports, "alice", ALICE) is None
    for export in begun:
        await export.aclose()


async def test_ones_own_data_is_exported_seldom(tmp_path: Path) -> None:
    limits = Limits()
    exports = UserExports(read, ByteStore(tmp_path), limits)
    burst = limits.rates[Kind.EXPORTS].burst
    assert [await _refusal(exports, "alice", ALICE) for _ in range(burst + 1)] == [*[None] * burst, "rate_limited"]
    assert [await _refusal(exports, "alice", ADMIN) for _ in range(burst + 1)] == [None] * (burst + 1)

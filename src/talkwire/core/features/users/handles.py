"""Handles: unique names by which users are found and mentioned, such as `ann.smith`."""

from __future__ import annotations

import re

from talkwire.core.domain.errors import invalid
from talkwire.core.domain.mentions import ALL
from talkwire.core.domain.model import RESERVED_IDS
from talkwire.core.ports.transaction import Transaction

HANDLE_MIN_LENGTH = 3
"""Shortest handle, in characters."""

HANDLE_MAX_LENGTH = 32
"""Longest handle, in characters."""

# A handle does not end in punctuation, so that a sentence can end with a mention.
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{1,30}[a-z0-9]")
_PREFIX = re.compile(r"[a-z0-9._-]{1,32}")
_RESERVED = RESERVED_IDS | {ALL}


def normal_handle(handle: str) -> str:
    """Returns a handle in lower case, the form in which it is stored. Raises `invalid_request` for an invalid one."""
    folded = handle.lower()
    if _HANDLE.fullmatch(folded) is None:
        raise invalid(
            "handle",
            f"must have {HANDLE_MIN_LENGTH} to {HANDLE_MAX_LENGTH} characters of a-z, 0-9, '.', '_' and '-', "
            "and start and end with a letter or digit",
        )
    if folded in _RESERVED:
        raise invalid("handle", "must not be a reserved word")
    return folded


def is_free_handle(tx: Transaction, handle: str, user_id: str) -> bool:
    """Returns whether a user may have a handle: it must be neither another user's handle nor another user's id, because
    a mention of it would then mean both."""
    holder, namesake = tx.user_with_handle(handle), tx.user(handle)
    return all(found is None or found.id == user_id for found in (holder, namesake))


def handle_prefix(text: str) -> str | None:
    """Returns a search text as the beginning of a handle: in lower case and without a leading `@`; None if no handle
    can start with it."""
    prefix = text.strip().removeprefix("@").lower()
    return prefix if _PREFIX.fullmatch(prefix) else None

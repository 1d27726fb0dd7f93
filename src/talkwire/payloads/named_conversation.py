"""Finds the conversation that a refused request names, for operators. The request may be invalid: no command was made
of it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talkwire.core.domain.model import is_valid_id
from talkwire.payloads.numeral_ids import SAFE_MAX, text_of

_NAMES = ("conversation_id", "conversationId", "chatId")
"""Names of a conversation's id in the paths of routes, in payloads, and in payloads of the `crm` dialect."""


def conversation_in(given: object) -> str | None:
    """Returns the id of the conversation that a client's payload or parameters name, or None if they name none or no
    valid id, which has at most 128 characters and no white space."""
    if not isinstance(given, Mapping):
        return None
    for name in _NAMES:
        value = given.get(name)
        id_ = text_of(value) if type(value) is int and 0 <= value <= SAFE_MAX else value
        if isinstance(id_, str) and is_valid_id(id_):
            return id_
    return None


def conversation_in_json(body: bytes) -> str | None:
    """Does the same as `conversation_in` for a payload that is still encoded as JSON. Returns None for invalid JSON."""
    try:
        return conversation_in(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

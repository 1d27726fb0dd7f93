"""The digest of what a card asks."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import rfc8785

from talkwire.core.domain.cards.card import AskedCard

_DIGESTED = ("title", "text", "fields", "actions", "decide", "who", "subject")


def digest_of(card: AskedCard) -> str:
    """Returns the SHA-256, in hexadecimal digits, of the canonical JSON (RFC 8785) of what decides the meaning of a
    choice: title, text, fields, actions, who decides and how, and the subject, without members that are absent.

    Raises ValueError for a number that canonical JSON cannot express.
    """
    sent: dict[str, Any] = msgspec.to_builtins(card, str_keys=True)
    digested = {name: sent[name] for name in _DIGESTED if name in sent}
    return sha256(rfc8785.dumps(digested)).hexdigest()

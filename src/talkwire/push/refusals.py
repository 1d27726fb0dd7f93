"""Reads why a push service refuses a push, from the status and the body of its response.

Statuses do not tell it apart: a subscription that was made for another key is 400 at Apple's service, 401 at Mozilla's
and 403 at Google's, which are also the statuses of a wrong clock. Their texts do.
"""

from __future__ import annotations

import re

from talkwire.core.domain.printable import printable

REFUSAL_BODY_MAX_BYTES = 1024
"""Most bytes of a response that are read."""

REFUSAL_TEXT_MAX_LENGTH = 200
"""Most characters of a response's words that are kept."""

_GONE = frozenset({404, 410})
_OF_ANOTHER_KEY = frozenset({400, 401, 403})
_PASSING = frozenset({408, 425, 429})

_MISMATCH = re.compile(
    r"not correspond to"  # Google: "… do not correspond to the credentials used to create the subscriptions"
    r"|(?:vapid|key|sender)\W?\w*\W?mismatch|mismatch\W?(?:vapid|key|sender)"  # Apple, Mozilla, Google
    r"|(?:key|credentials?|sender)\b[^.]{0,60}(?:not|n't) match"
    r"|unauthorized\W?registration",
    re.IGNORECASE,
)

_LONG = re.compile(r"[\w.~+/=%:&?-]{32,}")
"""Pattern of tokens and addresses, which a response may repeat. The longest word of the services' own is shorter."""

_CUT = re.compile(r"[\w.~+/=%:&?-]+$")
"""Pattern of text that may be the beginning of a token or an address, at the end of a body that is longer than the part
that was read."""


def words_of(body: bytes) -> str:
    """Returns what a response says, as one line without anything that may be secret; empty if it says nothing."""
    text = printable(body.decode("utf-8", "replace"))
    if len(body) >= REFUSAL_BODY_MAX_BYTES:
        text = _CUT.sub("", text).rstrip()
    shown = _LONG.sub("…", text)
    return shown if len(shown) <= REFUSAL_TEXT_MAX_LENGTH else f"{shown[:REFUSAL_TEXT_MAX_LENGTH]}…"


def ends_subscription(status: int, words: str) -> bool:
    """Returns whether the service will accept no push of this server for the subscription any more: it has ended, or
    was made for another key of the server."""
    return status in _GONE or (status in _OF_ANOTHER_KEY and _MISMATCH.search(words) is not None)


def is_final(status: int) -> bool:
    """Returns whether the service would refuse the same push again: it finds fault with the request, and not with the
    moment."""
    return 400 <= status < 500 and status not in _PASSING

"""The limits of one HTTP connection in size and time. docs/limits.md has them as tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

HEAD_MAX = 64 * 1024
"""Bytes of a request's head: request line, header fields, and the trailer fields of a chunked body."""

FIELDS_MAX = 500
"""The most header fields of a request. A field costs more than its bytes."""

UNWANTED_MAX = 1024 * 1024
"""Bytes of a body that are read and dropped after its request was answered."""

REFUSAL_LINGER_S = 5.0
"""Seconds that a client may take to read a refusal and to finish sending."""

BODY_RATE = 1024
"""Bytes a second that a body must bring on average, once `body_s` is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """The limits of HTTP connections that an operator can set. The defaults are those of the settings, but without
    limits per address.
    """

    head_s: float = 20.0
    """Seconds from the opening of a connection to its first byte, and from a request's first byte to the end of its
    head.
    """
    body_s: float = 30.0
    """Seconds for a body; each BODY_RATE bytes that arrive add one second."""
    read_s: float = 30.0
    """Seconds that a client may leave output unread."""
    keep_alive_s: float = 130.0
    """Seconds that an idle connection is kept after a response."""
    per_address: int | None = None
    """The most open connections of one address; None for no limit."""
    idle_per_address: int | None = None
    """The most idle connections of one address; None for no limit."""
    self_timed: Callable[[str, bytes], bool] | None = None
    """Function that returns whether the route for a path and a query limits the time of its body itself; None for no
    such route."""

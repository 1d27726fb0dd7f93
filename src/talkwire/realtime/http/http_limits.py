"""How much and how long one HTTP connection may take. docs/limits.md has the tables."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_MAX = 64 * 1024
"""Bytes of a request's head: request line, header fields, and the trailer fields of a chunked body."""

FIELDS_MAX = 500
"""Header fields of a request. Each costs more than its bytes."""

UNWANTED_MAX = 1024 * 1024
"""Bytes of a body that are read and dropped after its request was answered."""

LINGER_S = 5.0
"""Seconds that a client may take to read a refusal and to send what it is sending."""

BODY_RATE = 1024
"""Bytes a second that a body must bring, on average, once `body_s` is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What an operator can set. The defaults are those of the settings, without caps by address."""

    head_s: float = 20.0
    """From the opening of a connection to its first byte, and from a request's first byte to the end of its head."""
    body_s: float = 30.0
    """For a body, and a second more for each `BODY_RATE` bytes that have come."""
    read_s: float = 30.0
    """How long a client may leave unread what it was sent."""
    keep_alive_s: float = 5.0
    """How long a connection is kept after an answer."""
    per_address: int | None = None
    """Connections that an address may have open."""
    idle_per_address: int | None = None
    """Those among them that are not waiting for an answer."""
    self_timed: str | None = None
    """The path below which routes limit the time of bodies by themselves."""

"""The servers that help two sides of a call to find a way to each other: STUN (RFC 7064) and TURN (RFC 7065).

The server itself talks to none of them: they are handed to clients, as a browser's `RTCPeerConnection` takes them.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_STUN = re.compile(r"stuns?:[^\s@?/]+")
_TURN = re.compile(r"(turns?):([^\s:@/]+):([^\s@/]+)@([^\s@?/]+(?:\?transport=(?:udp|tcp))?)")


class IceServer(NamedTuple):
    """Where it is, and for TURN what it lets in with."""

    url: str
    username: str | None = None
    credential: str | None = None


def parse_ice_server(text: str) -> IceServer:
    """`stun:host:port`, or `turn:user:password@host:port?transport=udp`, in which other characters are
    percent-encoded. Raises ValueError, without the password."""
    if _STUN.fullmatch(text):
        return IceServer(text)
    found = _TURN.fullmatch(text)
    if found is None:
        raise ValueError("must be like stun:host:port or turn:user:password@host:port?transport=udp")
    scheme, username, credential, rest = found.groups()
    return IceServer(f"{scheme}:{rest}", unquote(username), unquote(credential))

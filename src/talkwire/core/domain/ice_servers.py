"""STUN (RFC 7064) and TURN (RFC 7065) servers, which help the two sides of a call to reach each other.

Talkwire does not connect to them. It sends them to clients in the form that a browser's `RTCPeerConnection` takes.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_STUN = re.compile(r"stuns?:[^\s@?/,;]+")
_TURN = re.compile(r"(turns?):([^\s:@/]+):([^\s@/]+)@([^\s@?/,;]+(?:\?transport=(?:udp|tcp))?)")


class IceServer(NamedTuple):
    """The URL of a STUN or TURN server, and for TURN its credentials."""

    url: str
    username: str | None = None
    credential: str | None = None


def parse_ice_server(text: str) -> IceServer:
    """Parses the address of a STUN or TURN server: `stun:host:port` or `turn:user:password@host:port?transport=udp`;
    user and password may be percent-encoded.

    Raises ValueError for anything else, with a message that does not contain the password.
    """
    if _STUN.fullmatch(text):
        return IceServer(text)
    found = _TURN.fullmatch(text)
    if found is None:
        raise ValueError("must be like stun:host:port or turn:user:password@host:port?transport=udp")
    scheme, username, credential, rest = found.groups()
    return IceServer(f"{scheme}:{rest}", unquote(username), unquote(credential))

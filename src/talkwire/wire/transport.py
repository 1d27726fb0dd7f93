"""The two transports of Engine.IO that Talkwire serves, by the names clients put into `?transport=`."""

from __future__ import annotations

from enum import Enum


class Transport(Enum):
    """How the packets of a session travel."""

    POLLING = "polling"
    WEBSOCKET = "websocket"

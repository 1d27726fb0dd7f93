"""What a polling session has to say and no poll has fetched yet."""

from __future__ import annotations

from typing import Final

from talkwire.wire.engine_packet import join_payload
from talkwire.wire.frame import frame_at

CAUTIOUS_PACKETS_MAX: Final = 16
"""Packets in one answer to a poll, for clients of which nothing is known: python-engineio takes no more."""

POLL_PACKETS_MAX: Final = 2048
"""Packets in one answer for all other clients. The protocol names no limit; this one bounds the work of one turn."""

POLL_BYTES_MAX: Final = 128 * 1024
"""Bytes from which on an answer to a poll takes no further packet."""


class Backlog:
    """The frames of a session's `out`, counted and taken from the front.

    The cost of a poll is linear in what it takes, and that of counting in what came since the last count.
    """

    __slots__ = ("_counted", "_out", "_size", "packets_max")

    def __init__(self, out: list[bytes]) -> None:
        self.packets_max = CAUTIOUS_PACKETS_MAX
        self._out = out
        self._counted = 0
        self._size = 0

    def size(self) -> int:
        """Returns how many bytes wait."""
        if self._counted < len(self._out):
            self._size += sum(map(len, self._out[self._counted :]))
            self._counted = len(self._out)
        return self._size

    def take(self) -> str:
        """Returns the body of one answer and leaves the rest for the next poll."""
        size = self.size()
        out, packets = self._out, list[str | bytes]()
        index = position = taken = 0
        while index < len(out) and len(packets) < self.packets_max and taken < POLL_BYTES_MAX:
            packet, end = frame_at(out[index], position)
            if packet is not None:
                packets.append(packet)
            taken += end - position
            index, position = (index, end) if end < len(out[index]) else (index + 1, 0)
        if position:
            out[index] = out[index][position:]
        del out[:index]
        self._counted, self._size = len(out), size - taken
        return join_payload(packets)

    def clear(self) -> None:
        """Drops all that waits."""
        self._out.clear()
        self._counted = self._size = 0

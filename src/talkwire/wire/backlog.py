"""The output of an Engine.IO session over long polling that its client has not fetched yet."""

from __future__ import annotations

from typing import Final

from talkwire.wire.engine_packet import join_payload
from talkwire.wire.frame import frame_at

CAUTIOUS_PACKETS_MAX: Final = 16
"""Most packets in one poll response for an unknown kind of client: python-engineio accepts no more than 16."""

POLL_PACKETS_MAX: Final = 2048
"""Most packets in one poll response for all other clients. The protocol sets no limit; this one bounds the time spent
on one response."""

POLL_BYTES_MAX: Final = 128 * 1024
"""Number of bytes from which on a poll response takes no more packets. The response may exceed it by one packet."""


class Backlog:
    """The output of a polling session that no poll has fetched: WebSocket frames in the session's list `out`. Counts
    their bytes, and takes them from the front, one poll response at a time.

    It changes `out` in place, since others append to the list too. `packets_max` limits the packets of one response.
    """

    __slots__ = ("_counted", "_out", "_size", "packets_max")

    def __init__(self, out: list[bytes]) -> None:
        self.packets_max = CAUTIOUS_PACKETS_MAX
        self._out = out
        self._counted = 0
        self._size = 0

    def size(self) -> int:
        """Returns the number of bytes, frame headers included, that no poll has fetched yet."""
        if self._counted < len(self._out):
            self._size += sum(map(len, self._out[self._counted :]))
            self._counted = len(self._out)
        return self._size

    def take(self) -> str:
        """Returns the body of one poll response, and removes its packets from the list. Packets beyond `packets_max` or
        POLL_BYTES_MAX (128 KiB) stay for the next poll. Call it only if there are frames: an empty body is no valid
        response.
        """
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
        """Drops all frames that no poll has fetched."""
        self._out.clear()
        self._counted = self._size = 0

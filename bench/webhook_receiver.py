"""A webhook endpoint for `bench.webhooks`: `python -m bench.webhook_receiver accept|hang`.

It prints its port, and then, whenever it has accepted further events, a line with their total number and the
time.monotonic(). With `hang` it never responds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import uvloop

REPORT_S = 0.05
_LENGTH = b"content-length:"
_ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"


class Endpoint(asyncio.Protocol):
    """An HTTP connection to the endpoint. It parses only the length of each request, to leave processor time to the
    server.
    """

    accepted = 0
    accepts = True

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 (uvloop's is no subclass of asyncio's)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = self._received[:head].lower().partition(_LENGTH)[2].partition(b"\r\n")[0]
            end = head + 4 + int(length)
            if len(self._received) < end:
                return
            self._received = self._received[end:]
            if Endpoint.accepts:
                Endpoint.accepted += 1
                self._transport.write(_ACCEPTED)


async def main() -> None:
    """Listens on a free port, and prints the number of accepted events until the process is killed."""
    Endpoint.accepts = sys.argv[1] == "accept"
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    reported = 0
    while True:
        await asyncio.sleep(REPORT_S)
        if Endpoint.accepted > reported:
            reported = Endpoint.accepted
            print(reported, time.monotonic(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())

"""A program that serves Talkwire and tells the tests what is alive in it: `python counted_server.py PORT SIDE OPTIONS`.

It answers each connection to the port SIDE with one line of JSON: the tasks of the event loop, and how many objects of
each of Talkwire's own classes there are. OPTIONS is JSON: `settings`, and `collect` (without it, the garbage collector
stays off, so that whatever goes was let go of).
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from talkwire.app import Node
from talkwire.logs import configure_logs
from talkwire.realtime.serving.server import Server, listen
from talkwire.running import run
from talkwire.settings import Settings

UNINTERRUPTED_S = 600.0
"""How long a thread waits before it asks the running one for the interpreter, while objects are counted."""

LET_OTHERS_GO_S = 0.02
"""Longer than the usual time, so that threads which wait already have asked."""


class CountedNode(Node):
    """A node with a second port that returns the counts of its objects."""

    side: socket.socket
    collects = False

    def server(self, kind: type[Server] = Server) -> Server:
        self._answering = asyncio.create_task(self._answer_all())
        return super().server(kind)

    async def stop(self) -> None:
        self._answering.cancel()
        await super().stop()

    async def _answer_all(self) -> None:
        if not self.collects:
            gc.disable()
        answering = await asyncio.start_server(_answer, sock=self.side)
        async with answering:
            await answering.serve_forever()


def _own_objects() -> Counter[str]:
    """Counts while no other thread runs: the list of all objects has references to tuples that a thread is filling, and
    CPython fails to shorten a tuple to which there are two (`_PyTuple_Resize`)."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(UNINTERRUPTED_S)
    try:
        time.sleep(LET_OTHERS_GO_S)
        return Counter(
            type(each).__qualname__ for each in gc.get_objects() if type(each).__module__.startswith("talkwire.")
        )
    finally:
        sys.setswitchinterval(before)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    own = _own_objects()
    tasks = [repr(task.get_coro()) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    writer.write(json.dumps({"tasks": tasks, "objects": own}).encode())
    await writer.drain()
    writer.close()


def main(port: str, side: str, options: str) -> None:
    given: dict[str, Any] = json.loads(options)
    configure_logs("info", "json")
    settings = given["settings"] | {"data": Path(given["settings"]["data"])}
    node = CountedNode(Settings(**settings))
    node.side = listen("127.0.0.1", int(side))
    node.collects = given["collect"]
    run(node, listen("127.0.0.1", int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`talkwire serve` whose event loop stands still after SIGUSR1, and which reports that in fractions of a second."""

from __future__ import annotations

import asyncio
import signal
import sys

from talkwire.app import Node
from talkwire.cli import main
from talkwire.observability import stall_watch

EXIT_S = 0.6

stall_watch.STALLED_S = 0.3
stall_watch._TICK_S = 0.05
_start = Node.start


def stand_still() -> None:
    while True:
        pass


async def start(self: Node) -> None:
    self.settings.__dict__["stall_exit_s"] = EXIT_S  # less than the setting accepts
    await _start(self)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, stand_still)


if __name__ == "__main__":
    Node.start = start  # type: ignore[method-assign]
    sys.exit(main())

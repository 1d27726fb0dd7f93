"""`python -m rigs.hostile.metered_talkwire serve …`: the command `talkwire`, with a meter on its event loop.

The path of the meter's socket is in the variable `HOSTILE_METER`, and its interval in seconds in `HOSTILE_BEAT_S`. What
is patched is uvloop, nothing of Talkwire's: the loop that it makes has one callback more.
"""

from __future__ import annotations

import os
from pathlib import Path

import uvloop

from rigs.hostile.meter import start_meter
from talkwire.cli import main

_make_loop = uvloop.new_event_loop


def _make_metered_loop() -> uvloop.Loop:
    """The server's loop is the first. The one that delivers webhooks, in a thread of its own, is not measured."""
    uvloop.new_event_loop = _make_loop
    loop = _make_loop()
    loop.call_soon(start_meter, loop, Path(os.environ["HOSTILE_METER"]), float(os.environ["HOSTILE_BEAT_S"]))
    return loop


if __name__ == "__main__":
    uvloop.new_event_loop = _make_metered_loop
    main()

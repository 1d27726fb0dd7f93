"""One of the servers under test with a slow heartbeat: `python patient_server.py SCRIPT [ARGUMENTS ...]`.

It ends an upgrade that is not completed after five seconds, and a session only after a minute without a pong.
"""

from __future__ import annotations

import runpy
import sys

from talkwire import socketio
from talkwire.socketio import EngineOptions

UPGRADE_TIMEOUT_S = 5.0


def patient_options(**given: float) -> EngineOptions:
    """Returns the options of an example, with other times."""
    times = {"ping_interval_s": 30.0, "ping_timeout_s": 30.0, "upgrade_timeout_s": UPGRADE_TIMEOUT_S}
    return EngineOptions(**(given | times))  # type: ignore[arg-type]  # sizes are numbers too


if __name__ == "__main__":
    script = sys.argv[1]
    del sys.argv[0]
    socketio.EngineOptions = patient_options  # type: ignore[misc,assignment]  # the example takes it from there
    runpy.run_path(script, run_name="__main__")

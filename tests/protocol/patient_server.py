"""One of the servers under test with other times: `python patient_server.py TIMES SCRIPT [ARGUMENTS ...]`.

TIMES is a JSON object of options.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Mapping

from talkwire import socketio
from talkwire.socketio import EngineOptions

UPGRADE_TIMEOUT_S = 5.0

Times = Mapping[str, float]

BEATING: Times = {"ping_timeout_s": 30.0, "connect_timeout_s": 600.0}
"""The example's frequent heartbeat, with long time to answer it."""

PATIENT: Times = {**BEATING, "ping_interval_s": 30.0, "upgrade_timeout_s": UPGRADE_TIMEOUT_S}
"""No time limit ends what a test uses, also on a busy machine, but for an upgrade that is not completed."""

HASTY: Times = {**PATIENT, "connect_timeout_s": 1.0}
"""As PATIENT, but a client has to join a namespace within a second."""


def at_times(times: Times, command: list[str]) -> list[str]:
    """Returns a command line that starts one of our examples with these times."""
    python, *script = command
    return [python, __file__, json.dumps(dict(times)), *script]


if __name__ == "__main__":
    given_times, script = json.loads(sys.argv[1]), sys.argv[2]
    del sys.argv[:2]

    def options(**given: float) -> EngineOptions:
        return EngineOptions(**(given | given_times))

    socketio.EngineOptions = options  # type: ignore[misc,assignment]  # the example takes it from there
    runpy.run_path(script, run_name="__main__")

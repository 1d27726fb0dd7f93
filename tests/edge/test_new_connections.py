"""Each HTTP connection begins as uvicorn's protocol class does, without running all of its `__init__` each time."""

from __future__ import annotations

from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from talkwire.realtime.http.connection_limits import ConnectionLimits
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.realtime.http.http_protocol import http_class
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.scheduling.timing_wheel import TimingWheel

NO_APPLICATION: Any = None
UNCHANGEABLE = (bool, int, float, str, bytes, tuple, type(None))
OF_SERVER = {"config", "app", "loop", "logger", "access_logger", "ws_protocol_class", "app_state", "server_state"}
OF_SERVER |= {"connections", "tasks"}


async def test_connections_share_only_what_belongs_to_their_server() -> None:
    of_server: dict[str, Any] = {
        "config": Config(NO_APPLICATION, log_config=None),
        "server_state": ServerState(),
        "app_state": {},
    }
    make = http_class(ConnectionLimits(TimingWheel(), HttpLimits(), RealtimeMetrics()))
    first, second, plain = make(**of_server), make(**of_server), HttpToolsProtocol(**of_server)
    shared = {name for name, value in vars(first).items() if vars(second)[name] is value}
    changing = {name for name in shared if not isinstance(vars(first)[name], UNCHANGEABLE)}
    assert changing - {"_phase", "_armed", "_refusal"} == OF_SERVER
    own = {"parser", "pipeline"}
    assert {name: vars(second)[name] for name in vars(plain) if name not in own} == {
        name: value for name, value in vars(plain).items() if name not in own
    }


async def test_connections_of_another_server_get_its_state() -> None:
    make = http_class(ConnectionLimits(TimingWheel(), HttpLimits(), RealtimeMetrics()))
    config, states = Config(NO_APPLICATION, log_config=None), [ServerState(), ServerState()]
    made = [make(config=config, server_state=state, app_state={}) for state in states]
    assert [each.connections is state.connections for each, state in zip(made, states, strict=True)] == [True, True]

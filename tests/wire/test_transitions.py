"""The state table is complete, and a session does what each of its cells says."""

from __future__ import annotations

from itertools import product

import pytest

from talkwire.wire.engine_packet import Packet, PacketType
from talkwire.wire.handshake import EngineOptions
from talkwire.wire.session import Event, MessageReceived, Session, SessionClosed, Upgraded, UpgradeFailed
from talkwire.wire.transitions import TABLE, Action, Phase
from talkwire.wire.transport import Transport

OPTIONS = EngineOptions()
CELLS = [
    pytest.param(phase, transport, packet_type, id=f"{phase.value}-{transport.value}-{packet_type.name}")
    for phase, transport, packet_type in product(Phase, Transport, PacketType)
]
EVENTS: dict[Action, list[Event]] = {
    Action.DELIVER: [MessageReceived("probe")],
    Action.HEARTBEAT: [],
    Action.LEAVE: [SessionClosed("transport close")],
    Action.BREACH: [SessionClosed("transport error")],
    Action.ANSWER_PROBE: [],
    Action.SWITCH: [Upgraded()],
    Action.FAIL_UPGRADE: [UpgradeFailed()],
    Action.IGNORE: [],
}


def session_in(phase: Phase) -> Session:
    transport = Transport.WEBSOCKET if phase is Phase.WEBSOCKET else Transport.POLLING
    session = Session("abc", OPTIONS, transport, now=0)
    session.out.clear()
    if phase is Phase.UPGRADING:
        assert session.upgrade_started(now=0)
    if phase is Phase.CLOSED:
        session.close("forced close")
    return session


def phase_of(session: Session) -> Phase:
    if session.closed:
        return Phase.CLOSED
    if session.upgrading:
        return Phase.UPGRADING
    return Phase.POLLING if session.transport is Transport.POLLING else Phase.WEBSOCKET


def next_phase(phase: Phase, action: Action) -> Phase:
    changes = {
        Action.LEAVE: Phase.CLOSED,
        Action.BREACH: Phase.CLOSED,
        Action.SWITCH: Phase.WEBSOCKET,
        Action.FAIL_UPGRADE: Phase.POLLING,
    }
    return changes.get(action, phase)


def test_the_table_has_a_cell_for_every_packet_at_any_time() -> None:
    assert set(TABLE) == set(product(Phase, Transport))
    assert all(set(row) == set(PacketType) for row in TABLE.values())


@pytest.mark.parametrize(("phase", "transport", "packet_type"), CELLS)
def test_a_session_does_what_the_table_says(phase: Phase, transport: Transport, packet_type: PacketType) -> None:
    session = session_in(phase)
    action = TABLE[phase, transport][packet_type]
    assert session.receive_packet(transport, Packet(packet_type, "probe"), now=1) == EVENTS[action]
    assert phase_of(session) is next_phase(phase, action)
    assert session.probe_out == ([b"\x81\x063probe"] if action is Action.ANSWER_PROBE else [])
    assert session.out == []


@pytest.mark.parametrize(("phase", "transport", "packet_type"), CELLS)
def test_only_the_heartbeat_action_satisfies_a_ping(
    phase: Phase, transport: Transport, packet_type: PacketType
) -> None:
    session = session_in(phase)
    session.handle_deadline(now=25)
    if session.closed or TABLE[phase, transport][packet_type] in {Action.LEAVE, Action.BREACH}:
        return
    # In the middle of an upgrade, the trial has ended by then; packets for it are strays.
    heartbeat = TABLE[phase_of(session), transport][packet_type] is Action.HEARTBEAT
    session.receive_packet(transport, Packet(packet_type, "probe"), now=26)
    assert (session.last_ping_answered == 25) is heartbeat


@pytest.mark.parametrize("transport", Transport)
def test_messages_are_delivered_only_on_the_transport_in_use(transport: Transport) -> None:
    delivering = {phase for phase in Phase if TABLE[phase, transport][PacketType.MESSAGE] is Action.DELIVER}
    polling = transport is Transport.POLLING
    assert delivering == ({Phase.POLLING, Phase.UPGRADING} if polling else {Phase.WEBSOCKET})

"""The parts together, as a shell uses them."""

from __future__ import annotations

import gc
import tracemalloc

from talkwire.wire import (
    Admission,
    ConnectRequested,
    EngineOptions,
    EngineRequest,
    EventReceived,
    MessageReceived,
    Session,
    SocketSession,
    Transport,
    ack_frame,
    check_request,
    event_frame,
    unframe,
)

OPTIONS = EngineOptions()


def nobody(_engine_sid: str) -> None:
    return None


def receive(session: Session, sockets: SocketSession, message: str) -> object:
    (event,) = session.receive_websocket(message, now=1)
    assert isinstance(event, MessageReceived)
    return sockets.receive(event.data, now=1)


def test_a_websocket_client_joins_and_gets_an_ack_before_the_event() -> None:
    request = EngineRequest("GET", {"EIO": "4", "transport": "websocket"}, websocket=True)
    assert check_request(request, nobody, OPTIONS) == Admission(Transport.WEBSOCKET, None)
    session = Session("abc", OPTIONS, Transport.WEBSOCKET, now=0)
    sockets = SocketSession(OPTIONS, now=0)

    assert receive(session, sockets, "40/chat,") == ConnectRequested("/chat", {})
    session.send_message(sockets.accept("/chat", "s1"))
    assert receive(session, sockets, '42/chat,7["send","hi"]') == EventReceived("/chat", ["send", "hi"], 7)
    session.out.extend([ack_frame("/chat", 7, b"true"), event_frame("/chat", "sent", b'"hi"')])

    assert list(unframe(b"".join(session.out)))[1:] == [
        '40/chat,{"sid":"s1"}',
        "43/chat,7[true]",
        '42/chat,["sent","hi"]',
    ]


def idle_session(number: int) -> tuple[Session, SocketSession]:
    session = Session(f"engine {number}", OPTIONS, Transport.WEBSOCKET, now=number * 1.5)
    sockets = SocketSession(OPTIONS, now=number * 1.5)
    receive(session, sockets, "40")
    sockets.accept("/", f"socket {number}")
    session.handle_deadline(now=number * 1.5 + 25)
    session.receive_websocket("3", now=number * 1.5 + 26)
    session.out.clear()
    return session, sockets


def test_an_idle_session_costs_less_than_a_kilobyte() -> None:
    count = 1000
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        sessions = [idle_session(number) for number in range(count)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(sessions) < 1024

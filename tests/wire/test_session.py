"""One Engine.IO session, driven with literal texts and a time of our own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from math import inf
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.wire.backlog import POLL_BYTES_MAX
from talkwire.wire.engine_packet import decode_packet
from talkwire.wire.frame import text_frame, unframe
from talkwire.wire.handshake import EngineOptions
from talkwire.wire.session import MessageReceived, Session, SessionClosed, Upgraded, UpgradeFailed
from talkwire.wire.transport import Transport

TraceFunction = Callable[..., Any]

OPTIONS = EngineOptions()
OPEN = '0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'


def polling(now: float = 0, options: EngineOptions = OPTIONS) -> Session:
    """A session whose open packet is fetched."""
    session = Session("abc", options, Transport.POLLING, now)
    assert session.poll_started(now)
    assert session.take_poll(now) is not None
    return session


def websocket(now: float = 0) -> Session:
    session = Session("abc", OPTIONS, Transport.WEBSOCKET, now)
    session.out.clear()
    return session


def probed(now: float = 0) -> Session:
    session = polling(now)
    assert session.upgrade_started(now)
    assert session.receive_websocket("2probe", now) == []
    return session


def take_payload(session: Session, message: str, now: float) -> list[object]:
    return list(session.receive_payload(message, now))


def contents(frames: list[bytes]) -> list[str | bytes]:
    return list(unframe(b"".join(frames)))


# Opening


def test_a_polling_session_answers_its_first_poll_with_the_open_packet() -> None:
    session = Session("abc", OPTIONS, Transport.POLLING, now=0)
    assert session.poll_started(now=0)
    assert session.take_poll(now=0) == OPEN
    assert not session.poll_pending
    assert session.out == []


def test_a_websocket_session_starts_with_the_open_packet_and_no_upgrades() -> None:
    session = Session("abc", OPTIONS, Transport.WEBSOCKET, now=0)
    assert contents(session.out) == [OPEN.replace('["websocket"]', "[]")]


# Messages


def test_a_websocket_session_delivers_text_and_binary() -> None:
    session = websocket()
    assert session.receive_websocket("4hello", now=1) == [MessageReceived("hello")]
    assert session.receive_websocket(b"4\x01", now=1) == [MessageReceived(b"4\x01")]
    assert session.receive_websocket("bAQI=", now=1) == [MessageReceived(b"\x01\x02")]
    assert session.receive_websocket("4", now=1) == [MessageReceived("")]


def test_a_polling_session_delivers_a_payload_in_order() -> None:
    events = list(polling().receive_payload("4a\x1ebAQI=\x1e4b", now=1))
    assert events == [MessageReceived("a"), MessageReceived(b"\x01\x02"), MessageReceived("b")]


def test_a_session_queues_messages_as_frames() -> None:
    session = websocket()
    session.send_message("hello")
    session.send_message(b"\x01")
    assert session.out == [b"\x81\x064hello", b"\x82\x01\x01"]


def test_a_poll_fetches_shared_frames_as_a_payload() -> None:
    session = polling()
    session.out.append(text_frame("4a") + text_frame("4b"))
    session.send_message(b"\x01\x02")
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "4a\x1e4b\x1ebAQI="


def test_an_answer_holds_at_most_sixteen_packets_and_the_rest_comes_with_the_next() -> None:
    session = polling()
    for number in range(18):
        session.send_message(str(number) if number != 16 else b"\x01")
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "\x1e".join(f"4{number}" for number in range(16))
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "bAQ==\x1e417"
    assert session.out == []


def test_a_client_that_takes_many_packets_gets_them_in_one_answer() -> None:
    session = polling()
    session.take_many()
    for number in range(2050):
        session.send_message(str(number))
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "\x1e".join(f"4{number}" for number in range(2048))
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "42048\x1e42049"


def test_an_answer_takes_no_more_packets_once_it_is_large() -> None:
    session = polling()
    session.take_many()
    for text in ("a" * POLL_BYTES_MAX, "b", "c"):
        session.send_message(text)
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "4" + "a" * POLL_BYTES_MAX
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "4b\x1e4c"


def test_unfetched_bytes_are_counted() -> None:
    session = polling()
    assert session.unfetched() == 0
    frame = text_frame("4abc")
    session.out.extend([frame, frame * 20])
    assert session.unfetched() == 21 * len(frame)
    assert session.poll_started(now=1)
    session.take_poll(now=1)
    assert session.unfetched() == 5 * len(frame)
    session.out.append(frame)
    assert session.unfetched() == 6 * len(frame)
    assert session.poll_started(now=2)
    session.take_poll(now=2)
    assert session.unfetched() == 0


def test_polls_of_a_long_backlog_cost_as_much_as_it_has_packets() -> None:
    """Twice the packets take twice the work, not four times."""

    def lines_run(packets: int) -> int:
        session = polling()
        for _ in range(packets):
            session.send_message("x")
        lines = 0

        def count(_frame: FrameType, event: str, _arg: object) -> TraceFunction:
            nonlocal lines
            lines += event == "line"
            return count

        previous = sys.gettrace()
        sys.settrace(count)
        try:
            while session.out:
                session.poll_started(now=1)
                session.unfetched()
                session.take_poll(now=1)
        finally:
            sys.settrace(previous)
        return lines

    assert lines_run(2000) < 2.5 * lines_run(1000)


def test_a_closed_session_sends_the_close_packet_after_queued_messages() -> None:
    session = polling()
    for number in range(17):
        session.send_message(str(number))
    session.close("server shutting down")
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "\x1e".join(f"4{number}" for number in range(16))
    assert session.lingering
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "416"
    assert session.lingering
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "1"
    assert not session.lingering


def test_a_poll_waits_until_there_is_something_to_say() -> None:
    session = polling()
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) is None
    assert session.poll_pending
    session.send_message("late")
    assert session.take_poll(now=2) == "4late"
    assert session.take_poll(now=2) is None


def test_the_output_list_stays_the_same_object() -> None:
    session = polling()
    out = session.out
    out.append(text_frame("4a"))
    assert session.poll_started(now=1)
    session.take_poll(now=1)
    session.upgrade_started(now=2)
    session.receive_websocket("5", now=2)
    session.handle_deadline(now=25)
    session.receive_websocket("2", now=26)
    assert session.out is out


def test_a_message_for_a_closed_session_goes_nowhere() -> None:
    session = websocket()
    session.receive_websocket("1", now=1)
    session.send_message("hello")
    assert session.out == []
    assert session.receive_websocket("4hello", now=1) == []


# Breaches


@pytest.mark.parametrize("message", ["", "7", "abc", "B"])
def test_a_websocket_session_closes_at_what_is_no_packet(message: str) -> None:
    session = websocket()
    assert session.receive_websocket(message, now=1) == [SessionClosed("parse error")]
    assert session.closed
    assert session.close_reason == "parse error"


def test_a_polling_session_delivers_what_precedes_a_broken_packet_and_closes() -> None:
    session = polling()
    assert list(session.receive_payload("4a\x1eabc\x1e4b", now=1)) == [
        MessageReceived("a"),
        SessionClosed("parse error"),
    ]


@pytest.mark.parametrize("session", [polling(), websocket()])
def test_a_client_that_pings_is_closed(session: Session) -> None:
    receive = take_payload if session.transport is Transport.POLLING else Session.receive_websocket
    assert receive(session, "2", now=1) == [SessionClosed("transport error")]
    assert session.next_deadline() == inf


def test_a_second_poll_while_one_is_open_closes_the_session() -> None:
    session = polling()
    assert session.poll_started(now=1)
    assert not session.poll_started(now=2)
    assert session.close_reason == "transport error"
    assert not session.poll_started(now=2)
    assert session.take_poll(now=2) == "1"
    assert not session.poll_started(now=3)


def test_a_second_post_while_one_is_open_closes_the_session() -> None:
    session = polling()
    assert session.poll_started(now=1)
    assert session.post_started(now=1)
    assert not session.post_started(now=2)
    assert session.close_reason == "transport error"
    assert session.take_poll(now=2) == "1"


def test_posts_may_follow_each_other() -> None:
    session = polling()
    assert session.post_started(now=1)
    session.post_ended()
    assert session.post_started(now=2)
    assert not session.closed


def test_a_client_that_abandons_its_poll_loses_the_session() -> None:
    session = polling()
    assert session.poll_started(now=1)
    assert session.poll_aborted(now=2) == [SessionClosed("transport error")]
    assert not session.poll_started(now=3)


def test_a_client_that_abandons_its_post_loses_the_session() -> None:
    session = polling()
    assert session.post_started(now=1)
    assert session.post_aborted(now=2) == [SessionClosed("transport error")]


def test_a_request_that_ends_without_having_started_changes_nothing() -> None:
    session = polling()
    assert session.poll_aborted(now=1) == []
    assert session.take_poll(now=1) is None


def test_a_client_that_breaks_the_protocol_gets_nothing_more() -> None:
    session = polling()
    session.send_message("late")
    assert session.poll_started(now=1)
    assert list(session.receive_payload("2", now=1)) == [SessionClosed("transport error")]
    assert session.take_poll(now=1) == "1"
    assert session.out == []


# Closing


def test_a_polling_client_that_closes_releases_its_poll_with_a_noop() -> None:
    session = polling()
    assert session.poll_started(now=1)
    assert list(session.receive_payload("1\x1e4late", now=2)) == [SessionClosed("transport close")]
    assert session.take_poll(now=2) == "6"
    assert not session.poll_started(now=3)


def test_a_polling_client_may_close_without_a_poll() -> None:
    session = polling()
    assert list(session.receive_payload("1", now=1)) == [SessionClosed("transport close")]
    assert not session.lingering
    assert not session.poll_started(now=2)


def test_the_server_closes_a_session_with_a_pending_poll_at_once() -> None:
    session = polling()
    assert session.poll_started(now=1)
    assert session.close("forced close") == [SessionClosed("forced close")]
    assert session.take_poll(now=1) == "1"
    assert not session.lingering


def test_the_server_closes_a_session_after_the_last_messages() -> None:
    session = polling()
    session.send_message("last words")
    assert session.close("forced close") == [SessionClosed("forced close")]
    assert session.poll_started(now=2)
    assert session.take_poll(now=2) == "4last words", "the client would hand out what comes with its end once more"
    assert session.poll_started(now=2)
    assert session.take_poll(now=2) == "1"
    assert not session.lingering
    assert not session.poll_started(now=3)


def test_a_session_closed_without_a_poll_closes_the_next_poll() -> None:
    session = polling()
    session.close("forced close")
    assert session.poll_started(now=2)
    assert session.take_poll(now=2) == "6\x1e1"


def test_a_closed_session_waits_for_a_last_poll_no_longer_than_its_heartbeat() -> None:
    session = polling()
    session.close("forced close")
    assert session.next_deadline() == 25
    assert session.handle_deadline(now=25) == []
    assert not session.lingering
    assert session.next_deadline() == inf
    assert not session.poll_started(now=26)


def test_a_websocket_session_that_the_server_closes_keeps_its_output() -> None:
    session = websocket()
    session.send_message("last words")
    assert session.close("server shutting down") == [SessionClosed("server shutting down")]
    assert contents(session.out) == ["4last words"]
    assert not session.lingering
    assert session.close("forced close") == []
    assert session.close_reason == "server shutting down"


def test_a_session_ends_with_its_transport() -> None:
    session = websocket()
    assert session.transport_closed(Transport.WEBSOCKET, now=1) == [SessionClosed("transport close")]
    assert session.transport_closed(Transport.WEBSOCKET, now=1) == []


def test_a_session_reports_that_its_transport_ended_with_an_error() -> None:
    events = websocket().transport_closed(Transport.WEBSOCKET, now=1, reason="transport error")
    assert events == [SessionClosed("transport error")]


# Heartbeat


def test_the_time_for_a_pong_counts_from_when_the_ping_was_due() -> None:
    session = websocket()
    session.handle_deadline(now=25.02)
    assert session.next_deadline() == 45
    late = websocket()
    late.handle_deadline(now=30)
    assert late.next_deadline() == 50, "a server that was held up blames no client"


@pytest.mark.parametrize("message", ["3", "4hello", b"x"])
def test_input_after_the_ping_timeout_finds_the_session_closed(message: str | bytes) -> None:
    session = websocket()
    session.handle_deadline(now=25)
    assert session.receive_websocket(message, now=45) == [SessionClosed("ping timeout")]
    waiting = polling()
    waiting.handle_deadline(now=25)
    assert waiting.receive_packet(Transport.POLLING, decode_packet(message), now=45) == [SessionClosed("ping timeout")]


def test_a_client_that_got_more_time_has_no_more_than_that() -> None:
    session = websocket()
    session.handle_deadline(now=25)
    session.receive_websocket("4a", now=44)
    assert session.receive_websocket("4b", now=63) == [MessageReceived("b")]
    assert session.receive_websocket("4c", now=64) == [SessionClosed("ping timeout")]


def test_a_session_pings_once_an_interval() -> None:
    session = websocket(now=100)
    assert session.next_deadline() == 125
    assert session.handle_deadline(now=124.9) == []
    assert session.out == []
    assert session.handle_deadline(now=125) == []
    assert session.out == [b"\x81\x012"]
    assert session.next_deadline() == 145
    session.receive_websocket("3", now=126)
    assert session.next_deadline() == 151


def test_a_client_that_does_not_answer_a_ping_is_closed() -> None:
    session = websocket()
    session.handle_deadline(now=25)
    assert session.handle_deadline(now=44.9) == []
    assert session.handle_deadline(now=45) == [SessionClosed("ping timeout")]
    assert session.next_deadline() == inf
    assert session.handle_deadline(now=50) == []


def test_a_polling_client_that_does_not_answer_a_ping_receives_the_close() -> None:
    session = polling()
    assert session.poll_started(now=1)
    session.handle_deadline(now=25)
    assert session.take_poll(now=25) == "2"
    assert session.poll_started(now=26)
    assert session.handle_deadline(now=45) == [SessionClosed("ping timeout")]
    assert session.take_poll(now=45) == "1"


def test_a_client_that_sends_something_else_gets_more_time_for_its_pong_once() -> None:
    session = websocket()
    session.handle_deadline(now=25)
    assert session.receive_websocket("4a", now=44) == [MessageReceived("a")]
    assert session.next_deadline() == 64
    assert session.receive_websocket("4b", now=60) == [MessageReceived("b")]
    assert session.next_deadline() == 64
    assert session.handle_deadline(now=64) == [SessionClosed("ping timeout")]


def test_a_session_knows_which_ping_was_answered() -> None:
    session = websocket()
    assert session.last_ping_answered == -inf
    session.handle_deadline(now=25)
    assert session.last_ping_sent == 25
    assert session.last_ping_answered == -inf
    session.receive_websocket("3", now=30)
    assert session.last_ping_answered == 25


def test_a_pong_without_a_ping_proves_nothing() -> None:
    session = websocket()
    session.handle_deadline(now=25)
    session.receive_websocket("3", now=26)
    session.last_ping_sent = 40
    session.receive_websocket("3", now=41)
    assert session.last_ping_answered == 25
    assert not session.closed


# Upgrade


def test_a_client_upgrades_to_websocket() -> None:
    session = probed(now=1)
    assert contents(session.probe_out) == ["3probe"]
    session.probe_out.clear()
    assert list(session.receive_payload("4still polling", now=1)) == [MessageReceived("still polling")]
    assert session.receive_websocket("5", now=2) == [Upgraded()]
    assert session.transport is Transport.WEBSOCKET
    assert session.receive_websocket("4hello", now=3) == [MessageReceived("hello")]
    assert session.next_deadline() == 26


def test_a_probe_releases_every_poll_after_a_tenth_of_a_second() -> None:
    session = probed(now=1)
    for tenth in (1.1, 1.2):
        now = session.next_deadline()
        assert now == pytest.approx(tenth)
        assert session.poll_started(now)
        assert session.take_poll(now) is None
        assert session.handle_deadline(now) == []
        assert session.take_poll(now) == "6"


def test_a_probe_does_not_release_a_poll_that_comes_between_two_releases() -> None:
    session = probed(now=1)
    session.handle_deadline(now=1.1)
    assert session.poll_started(now=1.15)
    assert session.take_poll(now=1.15) is None


def test_a_client_polls_and_posts_while_it_probes() -> None:
    session = probed(now=1)
    session.send_message("down")
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "4down"
    assert list(session.receive_payload("4up", now=1)) == [MessageReceived("up")]


def test_messages_keep_their_order_through_an_upgrade() -> None:
    session = probed(now=1)
    session.send_message("first")
    assert session.poll_started(now=1)
    assert session.take_poll(now=1) == "4first"
    session.send_message("second")
    session.receive_websocket("5", now=2)
    session.send_message("third")
    assert contents(session.out) == ["3probe", "4second", "4third"]


def test_a_poll_that_is_pending_when_the_upgrade_completes_takes_no_messages() -> None:
    session = probed(now=1)
    assert session.poll_started(now=1)
    session.send_message("for the WebSocket")
    session.probe_out.clear()
    session.receive_websocket("5", now=2)
    assert session.take_poll(now=2) == "6"
    assert contents(session.out) == ["4for the WebSocket"]


def test_a_poll_that_the_upgrade_overtook_is_released_also_after_a_close() -> None:
    session = probed(now=1)
    assert session.poll_started(now=1)
    session.receive_websocket("5", now=2)
    session.out.clear()
    session.send_message("last words")
    session.close("forced close")
    assert session.take_poll(now=2) == "6"
    assert contents(session.out) == ["4last words"]


def test_an_upgraded_session_refuses_its_old_transport() -> None:
    session = probed()
    session.receive_websocket("5", now=1)
    assert not session.poll_started(now=2)
    assert not session.post_started(now=2)
    assert list(session.receive_payload("4late", now=2)) == []
    assert list(session.receive_payload("abc", now=2)) == []
    assert session.post_aborted(now=2) == []
    assert session.transport_closed(Transport.POLLING, now=2) == []
    assert not session.closed


def test_the_first_of_two_websockets_is_kept() -> None:
    session = polling()
    assert session.upgrade_started(now=1)
    assert not session.upgrade_started(now=2)
    assert session.receive_websocket("2probe", now=3) == []
    assert session.receive_websocket("5", now=3) == [Upgraded()]
    assert not session.upgrade_started(now=4)


def test_a_session_that_began_as_a_websocket_has_no_other_on_trial() -> None:
    assert not websocket().upgrade_started(now=1)


def test_a_server_may_allow_no_upgrades() -> None:
    assert not polling(options=EngineOptions(allow_upgrades=False)).upgrade_started(now=1)


@pytest.mark.parametrize("message", ["2", "2other", "4hello", b"\x01", "abc", "", "1", "3", "6"])
def test_a_websocket_that_does_anything_but_probe_is_given_up(message: str | bytes) -> None:
    session = polling()
    assert session.upgrade_started(now=1)
    assert session.receive_websocket(message, now=2) == [UpgradeFailed()]
    assert not session.closed
    assert session.receive_websocket("2probe", now=2) == []
    assert session.probe_out == []
    assert session.upgrade_started(now=3)


def test_an_upgrade_that_takes_too_long_fails_and_polling_continues() -> None:
    session = polling()
    assert session.upgrade_started(now=1)
    assert session.next_deadline() == 11
    assert session.handle_deadline(now=11) == [UpgradeFailed()]
    assert session.next_deadline() == 25
    assert list(session.receive_payload("4hello", now=12)) == [MessageReceived("hello")]


def test_a_probing_websocket_that_closes_leaves_the_session_polling() -> None:
    session = probed()
    assert session.transport_closed(Transport.WEBSOCKET, now=1) == [UpgradeFailed()]
    assert not session.closed


def test_a_session_that_closes_while_it_probes_needs_no_upgrade_any_more() -> None:
    session = probed()
    assert list(session.receive_payload("1", now=1)) == [SessionClosed("transport close")]
    assert session.receive_websocket("5", now=2) == []
    assert session.transport_closed(Transport.WEBSOCKET, now=2) == []


def test_a_ping_on_its_way_is_answered_over_the_new_transport() -> None:
    session = polling()
    session.handle_deadline(now=25)
    assert session.upgrade_started(now=30)
    session.receive_websocket("2probe", now=30)
    session.receive_websocket("5", now=31)
    assert session.next_deadline() == 51
    session.receive_websocket("3", now=32)
    assert session.last_ping_answered == 25
    assert session.next_deadline() == 57


def test_a_ping_during_a_trial_goes_to_the_poll() -> None:
    session = polling()
    assert session.upgrade_started(now=20)
    session.handle_deadline(now=25)
    assert session.poll_started(now=25)
    assert session.take_poll(now=25) == "2"


# For any input.


STEPS: dict[str, Callable[..., object]] = {
    "a WebSocket comes": Session.upgrade_started,
    "the WebSocket closes": lambda session, now: session.transport_closed(Transport.WEBSOCKET, now),
    "a poll comes": Session.poll_started,
    "the poll is answered": Session.take_poll,
    "the poll is abandoned": Session.poll_aborted,
    "a POST comes": Session.post_started,
    "the POST is answered": lambda session, now: session.post_ended(),
    "time passes": Session.handle_deadline,
    "the server sends": lambda session, now: session.send_message("x"),
    "the server closes": lambda session, now: session.close("forced close"),
    **{
        f"the WebSocket brings {message!r}": partial(Session.receive_websocket, message=message)
        for message in ("2probe", "5", "4a", "3", "2", "1", "", b"\x00")
    },
    **{f"a POST brings {body!r}": partial(take_payload, message=body) for body in ("4a", "3", "3\x1e4a", "1", "", "2")},
}


def events_of(result: object) -> list[object]:
    return result if isinstance(result, list) else []


@given(st.sampled_from(Transport), st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0, 15)), max_size=30))
def test_a_session_ends_once_after_any_sequence_of_steps(transport: Transport, steps: list[tuple[str, float]]) -> None:
    session = Session("abc", OPTIONS, transport, now=0)
    now = 0.0
    for step, pause in steps:
        now += pause
        was_closed = session.closed
        events = events_of(STEPS[step](session, now=now))
        assert not (was_closed and events)
        assert (SessionClosed(str(session.close_reason)) in events) <= session.closed
        assert session.closed == (session.close_reason is not None)
        assert session.upgrading <= (session.transport is Transport.POLLING)


@given(st.sampled_from(Transport), st.text() | st.binary())
def test_no_message_raises(transport: Transport, message: str | bytes) -> None:
    session = Session("abc", OPTIONS, transport, now=0)
    session.upgrade_started(now=0)
    session.receive_websocket(message, now=1)
    if isinstance(message, str):
        take_payload(session, message, now=1)

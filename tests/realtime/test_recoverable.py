"""Recoverable sockets that are connected, and those that disconnected not long ago."""

from __future__ import annotations

from typing import cast

from talkwire.realtime.clients.recoverable import RecoverableSocket, RecoverableSockets
from talkwire.realtime.clients.recovery_token import RecoveryClaims
from talkwire.realtime.socketio.socketio_socket import Socket


class Clock:
    now = 1000.0


def a_socket() -> Socket:
    return cast("Socket", object())


def one(socket_id: str = "s") -> RecoverableSocket:
    return RecoverableSocket(RecoveryClaims("alice", "/", "messenger", socket_id, "epoch", "node", 0), "pid")


def sockets(window_s: float = 120, gone_max: int = 10) -> RecoverableSockets:
    return RecoverableSockets(window_s, lambda: Clock.now, gone_max)


def test_a_disconnected_socket_is_found_within_the_window_only() -> None:
    known, alice, socket = sockets(), one(), a_socket()
    known.attach(alice, socket)
    known.detach(alice, socket, on_purpose=False)
    Clock.now += 119
    assert known.find("s") is alice
    Clock.now += 1
    assert known.find("s") is None


def test_a_connected_socket_is_found_forever() -> None:
    known, alice = sockets(), one()
    known.attach(alice, a_socket())
    Clock.now += 10_000
    assert known.find("s") is alice


def test_a_recovered_socket_gets_a_new_window() -> None:
    known, alice = sockets(), one()
    for _ in range(3):
        socket = a_socket()
        assert known.attach(alice, socket) is None
        known.detach(alice, socket, on_purpose=False)
        Clock.now += 100
        assert known.find("s") is alice


def test_a_connection_that_was_replaced_ends_nothing_when_it_goes() -> None:
    known, alice, older, newer = sockets(), one(), a_socket(), a_socket()
    known.attach(alice, older)
    assert known.attach(alice, newer) is older
    assert not known.detach(alice, older, on_purpose=True)
    assert known.find("s") is alice
    assert not alice.ended


def test_no_more_than_so_many_are_remembered() -> None:
    known = sockets(gone_max=2)
    for number in range(4):
        each, socket = one(f"s{number}"), a_socket()
        known.attach(each, socket)
        known.detach(each, socket, on_purpose=False)
    assert [known.find(f"s{number}") is not None for number in range(4)] == [False, False, True, True]


def test_stored_sockets_are_the_connected_ones_with_stored_data() -> None:
    known, plain, choosy, moved, gone = sockets(), one("plain"), one("choosy"), one("moved"), one("gone")
    choosy.chosen["c"], moved.moved, gone.moved = True, True, True
    socket = a_socket()
    for each in (plain, choosy, moved):
        known.attach(each, a_socket())
    known.attach(gone, socket)
    known.detach(gone, socket, on_purpose=False)
    assert list(known.stored()) == ["choosy", "moved"]

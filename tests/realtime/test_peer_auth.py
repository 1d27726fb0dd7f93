"""What a node's seal proves to another node, and what it does not."""

from __future__ import annotations

import pytest

from talkwire.realtime.forwarding.peer_auth import HEADER, ForwardedHead, PeerAuth
from tests.realtime.linked import SECRET, node_id

TARGET = "/socket.io/?EIO=4&transport=polling&sid=abc"
FACTS = {"host": "chat.example.com", "origin": "https://app.example.com"}
OWNER = PeerAuth(SECRET, node_id(1))
OTHER = PeerAuth(SECRET, node_id(2))


def sealed(address: str = "203.0.113.7") -> dict[str, str]:
    seal = OTHER.seal(ForwardedHead.of("POST", TARGET, address, FACTS), node_id(1))
    return {**FACTS, HEADER: seal}


def test_the_owner_reads_the_clients_address() -> None:
    assert OWNER.client_address("POST", TARGET, sealed()) == "203.0.113.7"
    assert OWNER.client_address("POST", TARGET, sealed("2001:db8::7")) == "2001:db8::7"


def test_a_client_without_an_address_has_none() -> None:
    assert OWNER.client_address("POST", TARGET, sealed("")) == ""


@pytest.mark.parametrize(
    ("method", "target", "changed"),
    [
        ("GET", TARGET, {}),
        ("POST", TARGET.replace("abc", "abd"), {}),
        ("POST", TARGET, {"host": "localhost"}),
        ("POST", TARGET, {"origin": "https://evil.example"}),
        ("POST", TARGET, {HEADER: sealed()[HEADER].replace("203.0.113.7", "127.0.0.1")}),
        ("POST", TARGET, {HEADER: sealed()[HEADER][:-1]}),
        ("POST", TARGET, {HEADER: sealed()[HEADER].partition(" ")[2]}),
        ("POST", TARGET, {HEADER: "203.0.113.7 \xe9"}),
        ("POST", TARGET, {HEADER: " "}),
        ("POST", TARGET, {HEADER: ""}),
    ],
)
def test_nothing_of_a_sealed_request_can_be_changed(method: str, target: str, changed: dict[str, str]) -> None:
    assert OWNER.client_address(method, target, {**sealed(), **changed}) is None


def test_a_seal_is_for_one_node() -> None:
    assert PeerAuth(SECRET, node_id(3)).client_address("POST", TARGET, sealed()) is None


def test_nodes_with_another_secret_are_strangers() -> None:
    assert PeerAuth(b"something else", node_id(1)).client_address("POST", TARGET, sealed()) is None

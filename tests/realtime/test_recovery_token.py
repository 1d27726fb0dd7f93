"""The `pid` and the offset that a returning client sends."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.realtime.clients.log_offset import Offset, parse_offset
from talkwire.realtime.clients.recovery_token import RecoveryClaims, RecoveryTokenSigner

ALICE = RecoveryClaims("alice", "/", "messenger", "socket", "epoch", "node", 17)


def test_a_pid_contains_the_signed_claims() -> None:
    signer = RecoveryTokenSigner(b"key")
    assert signer.read(signer.sign(ALICE)) == ALICE


@given(st.builds(RecoveryClaims, *[st.text(max_size=128)] * 6, st.integers(0, 2**62)))
def test_any_claims_come_back(claims: RecoveryClaims) -> None:
    signer = RecoveryTokenSigner(b"key")
    try:
        pid = signer.sign(claims)
    except UnicodeEncodeError:
        return  # lone surrogates are refused before this
    assert signer.read(pid) in {claims, None if len(pid) > 2048 else claims}


def test_a_pid_is_the_same_at_all_nodes_that_share_the_key_and_nothing_elsewhere() -> None:
    pid = RecoveryTokenSigner(b"key").sign(ALICE)
    assert RecoveryTokenSigner(b"key").sign(ALICE) == pid
    assert RecoveryTokenSigner(b"key").read(pid) == ALICE
    assert RecoveryTokenSigner(b"other").read(pid) is None


def test_no_character_of_a_pid_can_be_another() -> None:
    signer = RecoveryTokenSigner(b"key")
    pid = signer.sign(ALICE)
    for index, character in enumerate(pid):
        for other in "Ab9.=-":
            if other != character:
                assert signer.read(f"{pid[:index]}{other}{pid[index + 1 :]}") is None


def test_claims_without_their_own_signature_are_refused() -> None:
    signer = RecoveryTokenSigner(b"key")
    pid = signer.sign(msgspec.structs.replace(ALICE, user_id="mallory"))
    body, _, signature = pid.partition(".")
    assert signer.read(f"{signer.sign(ALICE).partition('.')[0]}.{signature}") is None
    assert signer.read(body) is None


@given(st.text())
def test_no_text_is_a_pid_by_chance(text: str) -> None:
    assert RecoveryTokenSigner(b"key").read(text) is None


@pytest.mark.parametrize(
    ("offset", "place"),
    [
        ("e-1", Offset(1)),
        ("e-0", Offset(0)),
        ("e-7.0", Offset(6, 0)),
        ("e-7.205", Offset(6, 205)),
        ("f-7", None),
        ("17", None),
        ("e-", None),
        ("e-7.", None),
        ("e-.7", None),
        ("e-7.1.2", None),
        ("e--7", None),
        ("e-+7", None),
        ("e-\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("e-7 ", None),
        ("e-" + "9" * 19, None),
        (7, None),
        (None, None),
    ],
)
def test_an_offset_names_a_place(offset: object, place: Offset | None) -> None:
    assert parse_offset(offset, "e") == place


@given(st.text())
def test_no_text_breaks_anything_as_an_offset(text: str) -> None:
    parse_offset(text, "e")
    parse_offset(f"e-{text}", "e")

"""Tokens that may stand in an address."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import NO_CLAIMS
from talkwire.identity.address_tokens import AddressTokens, Purpose
from talkwire.identity.claims import Identity

HOUR_S = 3600
NOW = 1_800_000_000.5
TOKENS = AddressTokens(b"secret")


def _identity(expires_at: float | None = None, session_id: str | None = None) -> Identity:
    return Identity("alice", "Alice", "admin", expires_at, session_id, NO_CLAIMS, issued_by_us=True, provider="idp")


def _refusal(token: str, purpose: Purpose | None, now: float = NOW, tokens: AddressTokens = TOKENS) -> str:
    with pytest.raises(ChatError) as refused:
        tokens.identity(token, purpose, now)
    return refused.value.code


def test_an_address_token_has_the_user_the_role_and_the_session_that_it_was_issued_for() -> None:
    token, expires_at = TOKENS.issue("alice", _identity(NOW + 60, "session"), "files", NOW)
    found = TOKENS.identity(token, "files", NOW)
    assert (found.user_id, found.role, found.session_id, found.provider) == ("alice", "admin", "session", "idp")
    assert found.expires_at == expires_at
    assert quote(token) == token


def test_an_address_token_opens_only_what_it_was_issued_for() -> None:
    token, _ = TOKENS.issue("alice", None, "files", NOW)
    assert [_refusal(token, "export"), _refusal(token, None)] == ["unauthenticated"] * 2
    assert _refusal(token[:-1] + "-", "files") == "unauthenticated"
    assert _refusal(token, "files", tokens=AddressTokens(b"other")) == "unauthenticated"


def test_the_token_for_files_stays_the_same_for_hours_and_ends_within_a_day() -> None:
    issued = [TOKENS.issue("alice", _identity(session_id="s"), "files", NOW + hour * HOUR_S) for hour in range(48)]
    assert len({token for token, _ in issued}) in {4, 5}
    for hour, (token, expires_at) in enumerate(issued):
        assert 12 * HOUR_S <= expires_at - NOW - hour * HOUR_S <= 24 * HOUR_S
        assert _refusal(token, "files", expires_at) == "token_expired"


def test_a_token_for_an_export_ends_within_two_minutes() -> None:
    _, expires_at = TOKENS.issue("alice", None, "export", NOW)
    assert 60 <= expires_at - NOW <= 120


def test_an_address_token_does_not_outlive_an_access_token_without_a_session() -> None:
    assert TOKENS.issue("alice", _identity(NOW + 90), "files", NOW).expires_at == int(NOW + 90)

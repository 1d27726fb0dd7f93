"""The newest refusals in memory: repeated ones are counted, and no kind displaces another."""

from __future__ import annotations

import itertools

import pytest

from talkwire.observability.recent_refusals import RecentRefusal, RecentRefusals


def _recent(kept: int = 3) -> RecentRefusals:
    clock = itertools.count(1000)
    return RecentRefusals(kept, lambda: next(clock))


def _shown(recent: RecentRefusals, **wanted: str) -> list[tuple[str, str, int]]:
    found = sorted(recent.newest(**wanted), key=lambda each: each.number, reverse=True)  # type: ignore[arg-type]  # a kind
    return [(each.kind, each.reason, each.count) for each in found]


def test_the_same_refusal_of_a_client_is_counted_and_becomes_the_newest() -> None:
    recent = _recent()
    for reason in ("token", "limit", "token"):
        recent.add("connection_refused", {"reason": reason, "address": "203.0.113.7"})
    assert _shown(recent) == [("connection", "token", 2), ("connection", "limit", 1)]
    assert recent.total == 3
    newest = max(recent.newest(), key=lambda each: each.number)
    assert newest == RecentRefusal(1002, 3, "connection", "token", address="203.0.113.7", count=2)


def test_the_oldest_of_a_kind_is_forgotten_and_no_other_kind() -> None:
    recent = _recent(kept=2)
    recent.add("sign_in_refused", {"reason": "banned", "user_id": "alice"})
    for number in range(5):
        recent.add("rate_limited", {"limit": "sends", "command": "message:send", "user_id": f"u{number}"})
    assert _shown(recent) == [("rate_limit", "sends", 1), ("rate_limit", "sends", 1), ("sign_in", "banned", 1)]
    assert {each.user_id for each in recent.newest("rate_limit")} == {"u3", "u4"}


def test_refusals_are_selected_by_kind_and_user() -> None:
    recent = _recent()
    recent.add("command_refused", {"code": "forbidden", "command": "message:send", "user_id": "alice"})
    recent.add("command_refused", {"code": "muted", "command": "message:send", "user_id": "bob"})
    recent.add("sign_in_refused", {"reason": "banned", "user_id": "alice"})
    assert _shown(recent, user_id="alice") == [("sign_in", "banned", 1), ("command", "forbidden", 1)]
    assert _shown(recent, kind="command") == [("command", "muted", 1), ("command", "forbidden", 1)]
    assert _shown(recent, kind="command", user_id="bob") == [("command", "muted", 1)]


def test_a_limited_client_is_one_refusal_with_the_conversation_of_the_last_time() -> None:
    recent = _recent()
    for number in range(5):
        recent.add("rate_limited", {"limit": "sends", "user_id": "alice", "conversation_id": f"room{number}"})
        recent.add("command_refused", {"code": "muted", "user_id": "alice", "conversation_id": f"room{number % 2}"})
    (limited,) = recent.newest("rate_limit")
    assert (limited.conversation_id, limited.count) == ("room4", 5)
    assert [(each.conversation_id, each.count) for each in recent.newest("command")] == [("room0", 3), ("room1", 2)]


@pytest.mark.parametrize("event", ["request", "message_sent", ""])
def test_other_lines_of_the_log_are_no_refusals(event: str) -> None:
    recent = _recent()
    recent.add(event, {"reason": "x"})
    assert (list(recent.newest()), recent.total) == ([], 0)


def test_long_texts_of_clients_are_cut_and_unknown_fields_left_out() -> None:
    recent = _recent()
    recent.add("command_refused", {"code": "invalid_request", "command": "x" * 10_000, "content": "secret"})
    (refusal,) = recent.newest()
    assert refusal.command == "x" * 128
    assert "secret" not in repr(refusal)

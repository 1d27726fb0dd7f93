"""A conversation with many messages."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_long_history_is_read_back_and_nothing_moves(driver: Driver, demo_url: str) -> None:
    read_back = run(driver, demo_url, "history", "history")["read back"]
    assert 0 < read_back.pop("most") < 100, "messages in the document at once"
    assert read_back == {"jumps": 0, "stayed": True, "opens_at_unread": True}

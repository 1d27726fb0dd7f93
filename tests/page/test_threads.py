"""Threads beside their conversation."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_two_users_talk_in_a_thread(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "thread")
    thread = ["root", "first reply", "second reply"]
    assert reports["talked"] == {
        "alice": thread,
        "bob": thread,
        "among_messages": ["root"],
        "rows": 1,
        "stored": ["undefined", "string", "string"],
    }
    assert reports["changed"] == {"left": ["root", "first reply"]}


def test_a_thread_keeps_its_draft_and_what_was_written_without_a_connection(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "drafts")
    assert reports["kept"] == {
        "drafts": {"one": "for the one", "other": "", "main": ""},
        "elsewhere": 0,
        "replies": ["below one", "for the one"],
    }


def test_a_thread_takes_the_conversations_place_on_a_narrow_screen(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "narrow")
    assert reports["narrow"] == {"width": 320, "hidden": True, "panels": 0}


def test_replies_that_follow_each_other_are_one_row(driver: Driver, demo_url: str) -> None:
    read = run(driver, demo_url, "threads", "long")["read"]
    assert read["rows"] == 1
    assert read["says"][-3:-1] == ["120 replies in a thread", "reply 120"]

"""Notifications: what is heard and shown, by which of several tabs, and what was stored meanwhile."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_of_several_tabs_one_plays_and_shows_and_each_thing_once(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "alerts", "one_tab")
    assert reports["away"] == {
        "played": ["drop", "drop"],
        "shown": [
            {"title": "bob", "body": "And a second one", "closed": False},
            {"title": "bob", "body": "Are you there?", "closed": False},
        ],
    }
    assert reports["looked at"] == {"played": 3, "shown": 2}
    assert reports["read"] == {"closed": [True, True]}
    assert reports["reloaded"] == {"bodies": ["After the reload"]}


def test_what_is_chosen_for_a_conversation_holds(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "alerts", "settings")
    first = {"title": "bob", "body": "general: To all", "closed": False}
    chosen = reports["chosen"]
    assert chosen["chime"] == {"played": ["chime"], "shown": [first]}
    assert [shown["body"] for shown in chosen["then"]["shown"]] == ["general: To all", "Only you"]
    assert chosen["then"]["played"] == ["chime", "drop"]


def test_the_default_that_the_owner_sets_counts_for_members_without_a_choice(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "alerts", "defaults")["defaults"] == {
        "before": "Mentions and replies",
        "after": "Default: All messages",
        "removed": "Mentions and replies",
        "shown": ["Orders: Your order is on its way"],
    }


def test_what_was_stored_is_listed_and_makes_no_sound(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "alerts", "stored")
    assert reports["stored"] == {"before": {"played": [], "shown": []}, "unread": 0}


def test_the_bell_leaves_direct_messages_to_the_list_and_names_a_deleted_message(driver: Driver, demo_url: str) -> None:
    rows = [["bob mentioned you", "Rows: This message was deleted."], ["bob added you to a conversation", "Rows"]]
    assert run(driver, demo_url, "alerts", "rows")["rows"] == {"rows": rows, "count": "3"}


def test_the_bell_says_the_same_in_every_tab(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "alerts", "bells")["bells"]["listed"] >= 4

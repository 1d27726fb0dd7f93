"""Conversations: how they are opened, found, run, listed and left."""

from __future__ import annotations

import re
from pathlib import Path

from tests.page.driving import SLOW_MS, Driver, run, serving
from tests.protocol.server_process import reserved_port


def test_all_of_very_many_conversations_can_be_found_and_read(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port()) as url:
        assert run(driver, url, "places", "all", latency_ms=SLOW_MS)["all"] == {
            "title": "(251)",
            "marked": "page",
            "unread": 0,
        }


def test_a_public_channel_is_joined_and_only_those_who_run_it_write(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "places", "channels")
    assert reports["ran the channel"] == {"boxes": 0, "offered": 0}


def test_a_public_group_is_found_and_joined_and_a_mute_outlasts_a_reload(driver: Driver, demo_url: str) -> None:
    ran = run(driver, demo_url, "places", "publicGroup")["ran the public group"]
    assert ran["first"] == 50
    assert ran["muted"].startswith("A moderator has muted you here until ")
    assert ran["muted"].endswith(": Too loud")
    assert ran["removing"] == (
        "They can join again, since anyone can find this conversation. Ban them to keep them out."
    )


def test_names_roles_and_removals_reach_everybody_at_once(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "places", "members")
    muted = reports["ran the group"].pop("muted")
    assert muted.startswith("A moderator has muted you here until ")
    assert muted.endswith(": Too loud")
    assert reports["ran the group"].pop("removing") == (
        "They can no longer read or write here unless they are added again or use an invitation link. "
        "Ban them to keep them out."
    )
    assert reports["ran the group"].pop("leaving") == (
        "You won't get new messages from it anymore. What you saved there is removed from your saved messages for good."
    )
    assert reports["ran the group"] == {"left": 0, "early": False}, "who is not the owner any more"


def test_people_are_added_one_after_the_other(driver: Driver, demo_url: str) -> None:
    added = run(driver, demo_url, "places", "adding")["added"]
    assert added == {"before": 0, "text": "", "open": True, "isInSight": True}


def test_the_list_is_filtered_and_says_what_waits(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "places", "list")
    assert reports["listed"] == {"unread": ["test-conv", "talk-123"], "draft": "Draft: not yet"}


def test_of_many_conversations_few_are_in_the_document(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "places", "many")
    assert 0 < reports["scrolled"]["most"] < 60


def test_of_many_members_few_are_in_the_document_and_all_are_found(driver: Driver, demo_url: str) -> None:
    scrolled = run(driver, demo_url, "places", "crowd")["scrolled"]
    assert 0 < scrolled["most"] < 80
    assert scrolled["found"] == 10


def test_a_new_user_sees_what_to_do(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "places", "empty")
    assert reports["begun"] == {
        "offered": ["Create a group", "Browse public conversations", "Add your picture"],
        "kinds": ["New conversation", "New group"],
        "focused": ["Find people by name or handle", "Group name"],
        "states": 1,
        "inTheList": "Your conversations appear here.",
        "onPhone": {"states": 1, "edges": [16, 16]},
        "shown": 4,
    }


def test_first_steps_where_nothing_is_yet(driver: Driver, demo_url: str) -> None:
    stepped = run(driver, demo_url, "places", "first_steps")["stepped"]
    assert stepped["left"] == 0
    assert stepped["texts"] == ["👋"]
    assert stepped["members"] == ["alice", "bob", "carol"]
    assert stepped["member"] == "No messages yet. Say hello to the group."
    says = "No messages yet. What is published here will appear in this place."
    assert stepped["reader"] == {"says": says, "buttons": 0}
    beginning = stepped["beginning"]
    name, since, people = beginning["says"]
    assert (name, people) == ("Unspoken", "You, bob, and carol")
    assert re.fullmatch(r"This is the beginning of the group, created on \w+ \d+, \d{4}\.", since)
    assert beginning["offers"] == ["Add people", "Add a description"]
    assert (beginning["described"], beginning["ofMember"]) == (["Add people"], 0)


def test_first_steps_of_who_came_later_or_may_not_write(driver: Driver, demo_url: str) -> None:
    late = run(driver, demo_url, "places", "late")["late"]
    assert late["muted"] == [
        "You see what is written here from now on.",
        "No messages yet. What others write will appear in this place.",
    ]
    assert late["writes"] == "You see what is written here from now on. Say hello to the group."


def test_all_of_it_fits_a_narrow_screen(driver: Driver, demo_url: str) -> None:
    widths = run(driver, demo_url, "places", "narrow")["measured"]["widths"]
    assert widths == dict.fromkeys(["new", "browse", "settings", "details", "edit", "card"], 320)


def test_a_link_to_what_one_is_not_in_says_why_or_offers_to_join(driver: Driver, demo_url: str) -> None:
    linked = run(driver, demo_url, "places", "linked")["linked"]
    assert linked["says"] == [
        "You are not a member of this conversation, or it does not exist.",
        "Open to all is a public channel. Join it to read it.",
    ]
    assert linked["drawings"] == [True, True]


def test_people_are_found_and_namesakes_distinguished(driver: Driver, demo_url: str) -> None:
    found = run(driver, demo_url, "places", "finder")["found"]
    assert found == {"known": True, "ids": 2, "active": "true", "chosen": 1}


def test_a_groups_picture_is_saved_with_the_form(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "places", "picture")["edited"] == {
        "discarded": False,
        "atOnce": 0,
        "saved": True,
        "kept": True,
        "removed": False,
    }


def test_that_a_group_was_deleted_is_no_error(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "places", "deletedGroup")["deleted"]
    assert shown == {name: {"errors": 0, "stays": 1, "left": 0} for name in ("alice", "bob")}


def test_groups_have_square_pictures(driver: Driver, demo_url: str) -> None:
    drawn = run(driver, demo_url, "places", "squares")["drawn"]
    assert drawn == {
        "edited": True,
        "switcher": True,
        "kinds": ["Square news: Channel · 1 member", "Square: Group · 2 members"],
    }

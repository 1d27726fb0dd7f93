"""What users see who are banned from a conversation, or from the server."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_banned_user_sees_why_and_until_when(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "bans", "banned")["banned"] == {
        "shown": "You were banned from Rowing club until TIME: Too loud",
        "refused": "You are banned from this conversation until TIME: Too loud",
        "sign": 1,
    }


def test_a_member_who_is_elsewhere_or_away_sees_the_end_of_a_membership(driver: Driver, demo_url: str) -> None:
    ended = run(driver, demo_url, "bans", "removedElsewhere")
    assert ended["after the reload"]["says"] == "You are no longer a member of Team and Crew."
    assert ended["once"] == {"toasts": 0}


def test_who_is_banned_while_away_sees_why_and_until_when(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "bans", "bannedWhileAway")["banned"] == {
        "offline": "You were banned from Ferns until TIME: Too loud",
        "closed": "You were banned from Mosses until TIME: Too wet",
        "removed": "You are no longer a member of Algae.",
    }


def test_a_user_who_is_added_at_the_address_sees_the_messages(driver: Driver, demo_url: str) -> None:
    assert "added" in run(driver, demo_url, "bans", "addedAtAddress")


def test_the_end_of_a_group_is_shown_until_it_is_over(driver: Driver, demo_url: str) -> None:
    assert "back" in run(driver, demo_url, "bans", "endedAndBack")


def test_who_is_added_again_reads_on_where_they_were(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "bans", "leftAndAdded")["again"] == {"says": "You left Orchestra.", "lines": 1}


def test_the_details_of_another_admin_follow_the_end_of_a_ban(driver: Driver, demo_url: str) -> None:
    assert "lifted" in run(driver, demo_url, "bans", "lifted")


def test_a_moderator_sees_what_another_one_has_decided_before_it_is_replaced(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "bans", "mutedTwice")["muted"] == {
        "first": "Somebody else has muted this member meanwhile, until TIME: insults. Mute again to replace it.",
        "left": ["Too loud", ["insults"]],
        "second": "Somebody else has muted this member meanwhile: Insults! Mute again to replace it.",
        "replaced": ["Too loud"],
        "all": ["Too loud", "Too quiet"],
    }


def test_why_people_are_not_added_is_over_when_others_are_chosen(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "bans", "addedAgain")["added"] == {"left": 0}


def test_the_sign_in_says_until_when_and_why_the_server_bans(driver: Driver, demo_url: str, admin_token: str) -> None:
    timed = "Your account is banned from this server until TIME: Spam in groups"
    assert run(driver, demo_url, "bans", "fromServer", token=admin_token)["banned"] == {
        "thrownOut": {"at": "page", "text": timed, "inView": True},
        "reloaded": {"at": "page", "text": timed, "inView": True},
        "timed": {"at": "demo", "text": timed, "inView": True},
        "endless": {"at": "demo", "text": "Your account is banned from this server: Too loud", "inView": True},
        "bare": {"at": "demo", "text": "Your account is banned from this server.", "inView": True},
        "account": {"at": "account", "text": "Your account is banned from this server: Too loud", "inView": True},
    }


def test_who_was_removed_without_the_page_learns_it_from_the_bell(driver: Driver, demo_url: str) -> None:
    removed = run(driver, demo_url, "bans", "removedWithoutThePage")["removed"]
    assert removed == {"seen": 0, "left": 1}

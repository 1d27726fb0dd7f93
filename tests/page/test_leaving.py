"""What was written and not sent: in several tabs, while a message is edited, and when its author signs out."""

from __future__ import annotations

from tests.page.driving import Scenarios


def test_a_draft_belongs_to_its_tab(crowded: Scenarios) -> None:
    assert crowded("leaving", "tabs")["written"] == {
        "continued": "See you at nine",
        "done": "",
        "taken": "A long draft",
        "kept": "A long draft",
        "reloaded": "A long draft",
        "followed": "A longer draft",
        "followedSending": "",
        "sent": "",
    }


def test_an_edit_belongs_to_its_tab(crowded: Scenarios) -> None:
    assert crowded("leaving", "edits")["edited"] == {"reloaded": "Spelling", "left": ""}


def test_a_deleted_message_is_not_edited_any_more(crowded: Scenarios) -> None:
    kept = "The message was deleted. Your changed text is in the message field."
    assert crowded("leaving", "deleted")["deleted"] == {
        "unchanged": {"notice": "The message was deleted.", "draft": ""},
        "changed": {"notice": kept, "draft": "What I wanted to say"},
        "missed": {"notice": kept, "draft": "Written while away"},
    }


def test_a_message_that_was_deleted_elsewhere_is_named_with_its_conversation(crowded: Scenarios) -> None:
    assert crowded("leaving", "deleted_elsewhere")["deleted elsewhere"] == {
        "says": "The message you edited in Workshop was deleted. Your changed text is in the message field there.",
        "draft": "We meet at seven",
    }


def test_a_notice_covers_nothing_and_ends_by_itself_or_with_the_next_message(crowded: Scenarios) -> None:
    stands = {"isBelowHeader": True, "isAboveMessages": True, "isCentred": True}
    assert crowded("leaving", "notices")["ended"] == {"stands": stands, "stays": 1}


def test_signing_out_names_and_removes_what_is_not_sent(crowded: Scenarios) -> None:
    assert crowded("leaving", "unsent")["signed out"] == {
        "before": {"keys": 5, "entries": 1, "uploads": 1, "bytes": 1, "states": 1},
        "asked": "1 message is not sent yet, and there are 2 drafts. Signing out removes them.",
        "stays": "A draft",
        "says": True,
        "after": {"keys": [], "entries": 0, "uploads": 0, "bytes": 0, "states": 0},
        "letters": 0,
        "sent": [],
        "draft": "",
    }


def test_signing_out_ends_the_other_tabs_without_the_server(crowded: Scenarios) -> None:
    assert crowded("leaving", "everywhere")["signed out"] == {
        "says": True,
        "left": {"keys": [], "entries": 0, "uploads": 0, "bytes": 0, "states": 0},
    }


def test_what_is_not_sent_waits_for_its_author_when_the_server_ends_the_session(crowded: Scenarios) -> None:
    assert crowded("leaving", "ended")["ended"] == {"other": "", "own": "To be continued"}


def test_the_next_user_does_not_start_in_a_conversation_of_the_one_before(crowded: Scenarios) -> None:
    assert crowded("leaving", "next_user")["next"] == {"left": ""}

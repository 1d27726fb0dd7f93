"""Threads beside their conversation."""

from __future__ import annotations

from tests.page.driving import Driver, Scenarios, run


def test_ones_own_reply_is_in_sight(crowded: Scenarios) -> None:
    assert crowded("threads", "own_reply")["replied"] == {"seen": True}


def test_two_users_talk_in_a_thread(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "thread")
    thread = ["root", "first reply", "second reply"]
    assert reports["talked"] == {
        "alice": thread,
        "bob": thread,
        "among_messages": ["root"],
        "faces": 2,
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


def test_a_reply_that_arrives_while_a_conversation_opens_is_seen(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "during")
    assert reports["during"] == {"unreadCount": 0, "toNewest": 0}


def test_a_long_thread_is_one_line_at_its_root(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "long")
    assert reports["read"] == {"shown": ["root", "between", "afterwards"]}


def test_twelve_replies_are_one_row_and_unread_until_the_thread_is_open(crowded: Scenarios) -> None:
    reports = crowded("threads", "unread")
    assert reports["unread"] == {"rows": 1, "left": 0, "following": True, "after": 0}
    assert reports["unfollowed"] == {"dots": 0, "after": 0}


def test_a_mention_in_a_thread_that_nobody_opened_stays_in_the_bell(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "mentioned")["mentioned"] == {"unread": 0}


def test_a_reply_below_what_is_seen_is_read_at_the_end_of_the_list(crowded: Scenarios) -> None:
    reports = crowded("threads", "below")
    assert reports["below"] == {"arrived": 1, "after": 0}


def test_a_thread_that_opens_at_an_early_reply_stays_unread(crowded: Scenarios) -> None:
    assert crowded("threads", "early")["early"] == {
        "opened": 41,
        "again": 42,
        "says": "Jump to newest 42 42 unread",
        "after": 0,
    }


def test_the_time_of_the_last_reply_follows_the_clock(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "ago")["ago"] == {"says": "last reply 5 minutes ago"}


def test_a_link_to_a_reply_opens_its_thread(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "link")
    assert reports["linked"] == {"before": True, "rows": 1, "days": ["today"]}


def test_a_thread_from_the_list_leads_back_to_it(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "threads", "backToList")
    assert reports["back"] == {"panels": 0, "behind": 0, "isAtList": True}


def test_unread_replies_are_announced_where_their_conversation_opens(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "unreadReplies")["replied"] == {
        "text": "2 new replies in a thread unseen reply 2"
    }


def test_the_line_of_many_unread_replies_counts_all_of_them_until_they_are_read(crowded: Scenarios) -> None:
    assert crowded("threads", "manyUnreadReplies")["many"] == {
        "before": "150 new replies in a thread reply 150",
        "arrived": "151 new replies in a thread reply 151",
        "below": "reply 1",
    }


def test_the_list_of_threads_counts_a_burst_of_replies(crowded: Scenarios) -> None:
    assert crowded("threads", "burst")["burst"] == {"isCounted": True}


def test_a_draft_in_a_thread_is_found_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "draftIsFound")["found"] == {
        "row": "Draft in a thread",
        "marked": ["Draft", ""],
        "listedDraft": "not finished",
    }


def test_a_draft_in_a_deleted_thread_can_be_discarded(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "discardedDraft")["discarded"] == {"row": False, "chips": 0}


def test_a_reply_in_a_deleted_thread_is_found_and_sent_to_the_conversation(driver: Driver, demo_url: str) -> None:
    reason = "Not sent: The first message of this thread was deleted."
    assert run(driver, demo_url, "threads", "refusedReply")["refused"] == {
        "last": reason,
        "reason": f"{reason} Send to the conversationDiscard",
        "composers": 0,
    }


def test_unread_replies_are_below_a_line_that_stays(crowded: Scenarios) -> None:
    assert crowded("threads", "newReplies")["new"] == {
        "seen": True,
        "unread": 30,
        "below": "reply 11",
        "left": 0,
        "lines": ["New"],
    }


def test_more_unread_replies_than_a_page_has_stay_unread(crowded: Scenarios) -> None:
    assert crowded("threads", "manyNewReplies")["many"] == {"seen": [["reply 1", 80]] * 3, "left": 0}


def test_a_sent_reply_has_no_ticks_because_who_read_it_is_unknown(driver: Driver, demo_url: str) -> None:
    ticks = run(driver, demo_url, "threads", "replyIsNotRead")["ticks"]
    assert ticks == {"root": ["Read"], "reply": [], "waiting": ["Waiting for the connection"], "seenBy": [0, 1]}


def test_the_toolbar_fits_into_each_composer(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "toolbar")["toolbar"] == {"wide": [], "medium": [], "narrow": []}


def test_the_header_of_a_thread_is_level_with_the_conversations(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "level")["level"] == {"title": True, "subtitle": True}


def test_a_closed_thread_returns_the_focus(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "focus")["focus"] == {"toComposer": True, "toChip": True}


def test_a_thread_without_a_connection_says_so_calmly(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "offline")["offline"] == {
        "withReplies": [1, 0],
        "without": [0, 0, 0],
        "after": 0,
    }


def test_a_thread_from_the_list_shows_its_root_in_the_conversation(driver: Driver, demo_url: str) -> None:
    listed = run(driver, demo_url, "threads", "listedRoot")["listed"]
    assert listed == {"says": "You: message 1", "seen": True, "focused": True}


def test_an_open_thread_outlives_a_reload(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "threads", "reload")["reloaded"] == {"left": 0, "closed": 0}


def test_unread_replies_are_not_called_messages_beyond_the_screen(crowded: Scenarios) -> None:
    assert crowded("threads", "repliesOnly")["read"] == {"toasts": []}

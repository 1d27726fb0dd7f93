"""Writing: names and emoji that are completed, keys, and where nothing may be written."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_mentions_are_completed_and_stand_out(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "composing", "mentions")["mentioned"] == {
        "all": ["Aalice", "Bbob", "Ccarol", "@allNotify everyone"],
        "first": "Aalice",
        "second": "Bbob",
        "stayed": 0,
        "written": "Hello @bob and @carol but not `@bob`",
        "marked": ["@bob", "@carol"],
        "own": ["@bob"],
        "code": "@bob",
    }


def test_a_mention_of_somebody_who_has_left_stays_whole(driver: Driver, demo_url: str) -> None:
    whole = ["@Tomas Reyes"]
    assert run(driver, demo_url, "composing", "mentioned_before")["mentioned"] == {"removed": whole, "reloaded": whole}


def test_emoji_are_completed_and_picked(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "composing", "emoji")
    assert reports["picked"] == {"completed": "Up 🚀 ", "picked": "Up 🚀 🎉", "focused": True}


def test_keys_of_the_field(driver: Driver, demo_url: str) -> None:
    pressed = run(driver, demo_url, "composing", "keys")["pressed"]
    assert pressed["formatted"] == "one\n**two**"
    assert pressed["bold"] == "two"
    assert 0.25 < pressed["grown"] <= 0.301


def test_a_member_who_may_not_write_sees_why(driver: Driver, demo_url: str) -> None:
    refused = run(driver, demo_url, "composing", "noWriting")["refused"]
    assert refused["fields"] == refused["muted"] == 0
    assert "muted" in refused["reason"].lower()
    assert refused["kept"] == ["Not sent", "Unsent words", "Copy text"]
    assert refused["again"] == "Unsent words"


def test_long_addresses_and_code_stay_within_a_narrow_screen(driver: Driver, demo_url: str) -> None:
    narrow = run(driver, demo_url, "composing", "longTexts")["narrow"]
    assert narrow == {"page": 320, "link": f"https://example.com/{'long' * 60}?q=1", "wraps": True}


def test_a_text_that_is_not_taken_is_not_lost(driver: Driver, demo_url: str) -> None:
    finished = run(driver, demo_url, "composing", "unfinished")["finished"]
    assert finished == {"answering": "a draft", "refused": "not \0 taken", "draft": "a draft"}


def test_an_edit_and_an_answer_go_on_after_another_conversation_and_a_reload(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "composing", "begun")["went on"] == {
        "elsewhere": "",
        "switched": "Said bett",
        "reloaded": "Said bett",
        "draft": "a draft",
        "answers": "Said better",
    }


def test_an_edit_that_is_saved_ends_that_somebody_types(driver: Driver, demo_url: str) -> None:
    assert "edited" in run(driver, demo_url, "composing", "editing")


def test_a_text_is_shown_as_it_is_written(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "composing", "asWritten")["shown"]
    assert not shown["sends"]
    assert shown["texts"] == [
        r"3*4*5 a==b==c __init__ C:\new\*.txt *no italics*",
        "---",
        "Title\n---",
        "    if x:\n        y()",
        "a\n\n\n\n\n\nb",
    ]
    line = shown["heights"][1]
    assert round(shown["heights"][4] / line) == 7, "blank lines are lines"
    assert round(shown["heights"][6] / line) == 4, "beside a list, one gives way"
    assert shown["numbers"] == [1, 3]
    assert shown["marker"] == "bracketed"
    assert shown["others"] == []
    assert shown["spacing"] in {"pre-wrap", "preserve wrap"}


def test_buttons_format_what_is_selected(driver: Driver, demo_url: str) -> None:
    formatted = run(driver, demo_url, "composing", "formattingBar")["formatted"]
    assert (formatted["before"], formatted["after"]) == (0, 0)
    assert formatted["texts"] == {
        "Bold": "one **two**",
        "Italic": "one _two_",
        "Strikethrough": "one ~~two~~",
        "Code": "one `two`",
        "Code block": "one \n```\ntwo\n```",
        "Quote": "> one two",
        "List": "- one two",
        "Link": "one [two](https://)",
    }
    assert formatted["focused"]
    assert formatted["byKey"] == "one tw~~o~~"
    assert formatted["undone"] == "one two"
    assert formatted["last"] == "Close"
    assert formatted["titles"] == [
        "Bold (Ctrl+B)",
        "Italic (Ctrl+I)",
        "Strikethrough (Ctrl+Shift+X)",
        "Code (Ctrl+E)",
        "Code block",
        "Quote",
        "List",
        "Link",
        "Close",
    ]
    assert formatted["narrow"]["page"] == 390
    assert formatted["narrow"]["row"] < 45, "the buttons stay in one line"
    assert formatted["narrow"]["field"]


def test_a_text_that_is_too_long_becomes_a_file(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "composing", "tooLong")["attached"] == {"left": "", "hint": 0, "focused": True}


def test_ctrl_shift_v_pastes_only_text(driver: Driver, demo_url: str) -> None:
    pasted = run(driver, demo_url, "composing", "plainPaste")["pasted"]
    assert pasted == {"plain": 0, "files": 1, "text": "  *a*\n\n\nhttps://example.com/"}


def test_a_cancelled_edit_can_be_taken_up_again(driver: Driver, demo_url: str) -> None:
    cancelled = run(driver, demo_url, "composing", "cancelling")["cancelled"]
    assert cancelled == {"unchanged": False, "again": "Said once, and more"}


def test_nothing_starts_to_write_where_one_may_not(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "composing", "only_reading")["only read"] == {
        "root": ["Thread", "Thread"],
        "own": [],
        "another": [],
        "panels": 0,
        "replying": 0,
    }


def test_a_draft_is_gone_on_with_at_its_end(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "composing", "caret")["went on at the end"] == {
        "listed": 7,
        "reloaded": 7,
        "switched": 7,
        "stepped": 7,
    }

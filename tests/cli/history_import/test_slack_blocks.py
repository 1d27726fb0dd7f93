"""Blocks of Slack, with the kinds and members of https://docs.slack.dev/reference/block-kit/blocks, as Markdown."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.slack_blocks import LABELS_ONLY, UNKNOWN_BLOCKS, SlackBlocks
from talkwire.cli.history_import.slack_rich_text import UNKNOWN_PARTS
from talkwire.cli.history_import.source import SourceUser

Json = dict[str, Any]


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def words(text: str, *styles: str) -> Json:
    return {"type": "text", "text": text, "style": dict.fromkeys(styles, True)}


def items(style: str, indent: int, *texts: str, **more: object) -> Json:
    elements = [section(words(text)) for text in texts]
    return {"type": "rich_text_list", "style": style, "indent": indent, "elements": elements, **more}


def plain(text: str, **more: object) -> Json:
    return {"type": "plain_text", "text": text, **more}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(text: str, **more: object) -> Json:
    return {"type": "button", "text": plain(text), "action_id": "act", "value": "secret", **more}


def converted(*blocks: Json) -> tuple[str, Counter[str]]:
    """Returns blocks as Markdown, and what was counted."""
    people = People("slack", "source")
    people.add(SourceUser("U1", "Ann Smith", "ann"))
    counted: Counter[str] = Counter()
    reader = SlackBlocks(people, {"C1": "general", "S1": "devs"}, lambda kind: counted.update([kind]))
    return reader.text(list(blocks)), counted


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([words("a "), words("b", "bold"), words(" c "), words("d", "strike"), words("\n")], "a **b** c ~~d~~"),
        ([words("both", "bold", "italic"), words(".")], "**_both_**."),
        ([words("one ", "bold"), words("two", "bold", "italic"), words(" three", "bold")], "**one _two_ three**"),
        ([words("all", "bold", "italic", "strike")], "**~~_all_~~**"),
        ([words(" spaces ", "bold"), words("around")], " **spaces** around"),
        ([words("two\nlines", "italic")], "_two_\n_lines_"),
        ([words("これは"), words("太字", "bold"), words("と"), words("斜体", "italic")], "これは**太字**と*斜体*"),
        # The web client shows signs within a word, and before these characters, as they are.
        ([words("un"), words("bold", "bold"), words("ed "), words("/etc", "bold")], "unbolded /etc"),
        (
            [words("x = `y`", "code"), words(" "), words("a "), words("b", "code"), words("c", "code")],
            "`` x = `y` `` a `bc`",
        ),
        ([words("*p &amp; q", "code", "bold")], "**`*p & q`**"),
        ([{"type": "user", "user_id": "U1"}, words(" "), {"type": "user", "user_id": "U9"}], "@Ann Smith @U9"),
        (
            [{"type": "channel", "channel_id": "C1"}, words(" "), {"type": "channel", "channel_id": "C9"}],
            "#general #C9",
        ),
        ([{"type": "usergroup", "usergroup_id": "S1"}, words(" "), {"type": "team", "team_id": "T1"}], "@devs @T1"),
        ([{"type": "broadcast", "range": "channel"}, words(" "), {"type": "broadcast", "range": "here"}], "@all @here"),
        ([{"type": "link", "url": "https://a.example/?a=1&copy=2"}], "https://a.example/?a=1&copy=2"),
        ([{"type": "link", "url": "https://a.example", "text": "an [x] &amp; b"}], "[an (x) & b](https://a.example)"),
        (
            [{"type": "link", "url": "https://a.example", "text": "l", "style": {"bold": True}}],
            "**[l](https://a.example)**",
        ),
        ([{"type": "link", "url": "mailto:a@b.example", "text": "a@b.example"}], "a@b.example"),
        ([{"type": "color", "value": "#F405B3"}], "#F405B3"),
        ([{"type": "date", "timestamp": 1720710212, "format": "{date}", "fallback": "July 11"}], "July 11"),
        ([{"type": "date", "timestamp": 1720710212, "format": "{date}"}], "2024-07-11 15:03 UTC"),
        (
            [{"type": "date", "timestamp": 1720710212, "url": "https://a.example", "fallback": "d"}],
            "[d](https://a.example)",
        ),
    ],
)
def test_a_line_of_rich_text(elements: list[Json], expected: str) -> None:
    assert converted(rich(section(*elements))) == (expected, Counter())


def test_only_elements_are_emoji_in_rich_text() -> None:
    wave = {"type": "emoji", "name": "wave", "skin_tone": 3, "unicode": "1f44b-1f3fc"}
    custom = {"type": "emoji", "name": "party_parrot"}
    unknown = {"type": "emoji", "name": "of_tomorrow", "unicode": "1f9ff"}
    text, _ = converted(rich(section(wave, words("root:x:0 :tada:"), custom, unknown)))
    assert text == "👋🏼root:x:0 :tada::party_parrot:🧿"


def test_lists_quotes_and_code_of_rich_text() -> None:
    nested = [
        items("ordered", 0, "one", "two\nlines"),
        items("bullet", 1, "a"),
        items("ordered", 2, "deep"),
        items("ordered", 0, "three", offset=2),
    ]
    quote = {"type": "rich_text_quote", "elements": [words("said "), words("so", "bold"), words("\ntwice")]}
    code = {
        "type": "rich_text_preformatted",
        "elements": [words("a ``` *b*\n:tada: &lt;x&gt;"), {"type": "link", "url": "https://a.example"}],
    }
    text, counted = converted(
        rich(section(words("All:\n")), *nested, quote, code, items("bullet", 3, "quoted", border=1))
    )
    assert text.splitlines() == [
        *("All:", "1. one", "2. two", "   lines", "    - a", "        1. deep", "3. three"),
        *("> said **so**", "> twice", "````", "a ``` *b*", ":tada: <x>https://a.example", "````", "> - quoted"),
    ]
    assert not counted


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "header", "text": plain("It's :tada: &amp; *done*")}, "### It's 🎉 & *done*"),
        ({"type": "section", "text": mrkdwn("*a* <@U1> <#C1> &lt;")}, "**a** @Ann Smith #general <"),
        ({"type": "section", "text": plain(":tada: *a*", emoji=False)}, ":tada: *a*"),
        ({"type": "section", "fields": [mrkdwn("*Host*\nweb1"), plain("up")]}, "**Host**\nweb1\nup"),
        (
            {
                "type": "section",
                "text": mrkdwn("x"),
                "accessory": {"type": "image", "image_url": "https://i.example", "alt_text": "cat"},
            },
            "x\n[cat](https://i.example)",
        ),
        (
            {"type": "section", "text": mrkdwn("x"), "accessory": button("Open", url="https://a.example")},
            "x\n[Open](https://a.example)",
        ),
        (
            {
                "type": "context",
                "elements": [{"type": "image", "image_url": "https://i.example", "alt_text": "me"}, mrkdwn("by _x_")],
            },
            "[me](https://i.example) by _x_",
        ),
        ({"type": "divider"}, ""),
        (
            {"type": "image", "image_url": "https://i.example", "alt_text": "alt", "title": plain("T")},
            "[T: alt](https://i.example)",
        ),
        ({"type": "image", "slack_file": {"id": "F1"}, "alt_text": "alt"}, "alt"),
        (
            {"type": "markdown", "text": "**b** *i* `a &amp; :tada:` <@U1> :tada:"},
            "**b** *i* `a & :tada:` @Ann Smith 🎉",
        ),
        (
            {
                "type": "table",
                "column_settings": [{"align": "right"}],
                "rows": [
                    [{"type": "raw_text", "text": "a|b"}, rich(section(words("B", "bold")))],
                    [{"type": "raw_number", "value": 5}],
                ],
            },
            "| a\\|b | **B** |\n| --: | --- |\n| 5 |  |\n",
        ),
        (
            {"type": "data_table", "caption": "Sum", "rows": [[{"type": "raw_text", "text": "x"}]]},
            "Sum\n| x |\n| --- |\n",
        ),
        (
            {
                "type": "video",
                "title": plain("Film"),
                "title_url": "https://v.example",
                "description": plain("long"),
                "provider_name": "TV",
            },
            "[Film](https://v.example)\nlong\nTV",
        ),
        (
            {"type": "file", "external_id": "e", "file": {"title": "f.pdf", "permalink": "https://f.example"}},
            "[f.pdf](https://f.example)",
        ),
        (
            {"type": "call", "call": {"v1": {"name": "Standup", "join_url": "https://c.example"}}},
            "[Standup](https://c.example)",
        ),
        ({"type": "alert", "level": "warning", "text": mrkdwn("*Disk* full")}, "**Disk** full"),
        ({"type": "card", "title": mrkdwn("T"), "subtitle": plain("S"), "body": mrkdwn("*B*")}, "T\nS\n**B**"),
        (
            {
                "type": "carousel",
                "elements": [{"type": "card", "title": mrkdwn("1")}, {"type": "card", "title": mrkdwn("2")}],
            },
            "1\n2",
        ),
        (
            {
                "type": "plan",
                "title": "Plan",
                "tasks": [
                    {
                        "type": "task_card",
                        "task_id": "t",
                        "title": "Read",
                        "status": "complete",
                        "output": rich(section(words("done"))),
                        "sources": [{"type": "url", "url": "https://s.example", "text": "source"}],
                    }
                ],
            },
            "Plan\nRead\ndone\n[source](https://s.example)",
        ),
    ],
)
def test_a_block_of_an_app(block: Json, expected: str) -> None:
    assert converted(block) == (expected, Counter())


@pytest.mark.parametrize(
    ("block", "expected", "count"),
    [
        (
            {"type": "actions", "elements": [button("Yes", confirm={"title": plain("Sure?")}), button("No")]},
            "Yes · No",
            2,
        ),
        (
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "static_select",
                        "placeholder": plain("Pick"),
                        "options": [{"text": plain("A"), "value": "1"}],
                    }
                ],
            },
            "Pick · A",
            1,
        ),
        (
            {
                "type": "input",
                "label": plain("Name"),
                "hint": plain("In full"),
                "element": {"type": "plain_text_input", "action_id": "x"},
            },
            "Name\nIn full",
            1,
        ),
        (
            {
                "type": "context_actions",
                "elements": [{"type": "feedback_buttons", "positive_button": {"text": plain("Good"), "value": "1"}}],
            },
            "Good",
            1,
        ),
    ],
)
def test_of_controls_the_labels_are_kept(block: Json, expected: str, count: int) -> None:
    assert converted(block) == (expected, Counter({LABELS_ONLY: count}))


def test_of_unknown_kinds_the_texts_are_kept_in_order() -> None:
    block = {
        "type": "of_tomorrow",
        "block_id": "b1",
        "heading": "one",
        "parts": [
            {"text": mrkdwn("*two*")},
            rich(section(words("three"))),
            {"label": "four", "value": 4, "icon_url": "https://i.example"},
        ],
    }
    assert converted(block) == ("one\n**two**\nthree\nfour\n4", Counter({UNKNOWN_BLOCKS: 1}))
    parts = rich(
        section(words("five "), {"type": "of_tomorrow", "text": "six"}),
        {"type": "rich_text_of_tomorrow", "elements": [section(words("seven"))]},
    )
    assert converted(parts) == ("five six\nseven", Counter({UNKNOWN_PARTS: 2}))


def test_blocks_that_are_no_blocks_are_no_text() -> None:
    deep: Any = "deep"
    for _ in range(900):
        deep = {"type": "x", "inside": deep}
    odd: list[Json] = [
        {"type": "rich_text", "elements": 7},
        {"type": "table", "rows": [3, [None]]},
        {"type": ["x"], "text": None},
    ]
    text, _ = converted(
        *odd,
        rich(section()),
        rich(items("bullet", 0), section(), items("ordered", 0, "")),
        rich({"type": "rich_text_list", "indent": "x", "elements": None}),
    )
    assert "None" not in text
    assert converted(deep)[0] == ""

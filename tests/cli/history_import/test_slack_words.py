"""Which words of a message of Slack are imported: of its text, its blocks and its attachments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from talkwire.cli.history_import.archive import Archive
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.slack import read_slack
from talkwire.cli.history_import.slack_blocks import LABELS_ONLY
from talkwire.cli.history_import.source import SourceMessage
from talkwire.cli.history_import.staging import Staging
from tests.cli.history_import.exports import slack_message, slack_user, write_folder

Json = dict[str, Any]
Read = Callable[[Json], tuple[SourceMessage | None, dict[str, int]]]

PAGE = "https://w.slack.com/archives/C9/p1704000000000100"
OPEN = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://a.example"}
LINK = {"type": "actions", "elements": [OPEN]}
PREVIEWS = "previews of links (the links are kept)"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(message)` returns a message as it is imported, and what was dropped."""

    def read_message(message: Json) -> tuple[SourceMessage | None, dict[str, int]]:
        users = [slack_user("U1", "ann"), slack_user("U2", "ben")]
        channels = [{"id": "C1", "name": "general", "members": ["U1"]}, {"id": "C2", "name": "ops", "members": []}]
        files = {"users.json": users, "channels.json": channels, "general/2024-01-01.json": [message]}
        staging = Staging(People("slack", "source"))
        with Archive(write_folder(tmp_path / "export", files)) as archive:
            read_slack(archive, staging)
        staging.arrange()
        return next(iter(staging.messages("C1")), None), {**staging.dropped, **staging.lost}

    return read_message


def written(text: str, **more: object) -> Json:
    return slack_message("1704100000.000100", "U1", text, **more)


def by_an_app(text: str, **more: object) -> Json:
    return {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": "B1",
        "ts": "1704100000.000100",
        "text": text,
        **more,
    }


def rich(*texts: str) -> Json:
    elements = [{"type": "text", "text": text} for text in texts]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def attached(**card: object) -> Json:
    return by_an_app("", attachments=[card])


def shared(**more: object) -> Json:
    original = {"is_msg_unfurl": True, "from_url": PAGE, "author_name": "ben.old", "author_link": PAGE}
    return {**original, "text": "the *numbers*", "fallback": "[May] ben: the numbers", **more}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (by_an_app("", blocks=[section("*only* blocks")]), "**only** blocks"),
        (by_an_app("This content can't be displayed.", blocks=[section("x")]), "x"),
        # The text that is shown in notifications says the same as the blocks, something else, or a part.
        (
            by_an_app("Deploy finished", blocks=[section("*Deploy* finished"), section("in 3 s")]),
            "**Deploy** finished\nin 3 s",
        ),
        (by_an_app("New deploy", blocks=[section("It failed")]), "New deploy\nIt failed"),
        (by_an_app("• one\n• two", blocks=[section("1. one"), section("2. two")]), "1. one\n2. two"),
        # Slack derives a text from blocks without images and tables, and names buttons.
        (
            by_an_app(
                "One Two Open button, with interactive elements",
                blocks=[
                    section("*One*"),
                    {"type": "image", "alt_text": "pic"},
                    {"type": "header", "text": {"text": "Two"}},
                    LINK,
                ],
            ),
            "**One**\npic\n### Two\n[Open](https://a.example)",
        ),
        # Exports have rich text without escapes, and some tools with them.
        (written("a -&gt; b", blocks=[rich("a -> b")]), "a -> b"),
        (written("a -&gt; b", blocks=[rich("a -&gt; b")]), "a -> b"),
        (written("a &amp;gt; b", blocks=[rich("a &gt; b")]), "a &gt; b"),
        # What people write is in both, and differs in details such as emoji and numbers of lists.
        (written("root:x:0 <#C2|ops>", blocks=[rich("root:x:0 ", "other")]), "root:x:0 other"),
        (written("see <#C2|> and <#C2>", blocks=[]), "see #ops and #ops"),
        (
            written("<@U9|gina>", blocks=[{"type": "rich_text", "elements": [{"type": "user", "user_id": "U9"}]}]),
            "@gina",
        ),
        (
            attached(
                pretext="Pre",
                author_name="Git Hub",
                author_link="https://g.example",
                title="*T*",
                title_link="https://t.example",
                text="_x_",
                fields=[{"title": "F", "value": "v"}, {"title": "N", "value": 3}],
                image_url="https://i.example/a.png",
                actions=[{"type": "button", "text": "Go", "url": "https://go.example"}],
                footer="foot",
                fallback="never",
            ),
            "\n".join(
                [
                    *("> Pre", "> **[Git Hub](https://g.example)**", "> [**T**](https://t.example)", "> _x_", "> F: v"),
                    *("> N: 3", "> [Go](https://go.example)", "> https://i.example/a.png", "> foot"),
                ]
            ),
        ),
        (attached(fallback="only *this*"), "> only **this**"),
        (attached(fallback="a cat", image_url="https://i.example/a.png"), "> [a cat](https://i.example/a.png)"),
        (attached(blocks=[section("in a block")], fallback="[no preview available]"), "> in a block"),
        (attached(text="the same", blocks=[section("*the* same")]), "> **the** same"),
        (by_an_app("Build failed", attachments=[{"text": "Build *failed*"}, {"text": "log"}]), "Build failed\n> log"),
        (attached(text="outer", attachments=[{"text": "inner"}]), "> outer\n> > inner"),
        (written("", attachments=[shared(is_share=True)]), "> **ben.old**\n> the **numbers**"),
        (
            written("fyi", attachments=[shared(is_share=True, author_id="U2", footer="Posted in #ops")]),
            "fyi\n> **ben**\n> the **numbers**\n> Posted in #ops",
        ),
        (written(f"see <{PAGE}>", attachments=[shared()]), f"see {PAGE}\n> **ben.old**\n> the **numbers**"),
        (
            written(
                "",
                attachments=[
                    shared(is_share=True, message_blocks=[{"message": {"blocks": [rich("the numbers", " of May")]}}])
                ],
            ),
            "> **ben.old**\n> the numbers of May",
        ),
    ],
)
def test_words_of_a_message(read: Read, message: Json, expected: str) -> None:
    found, dropped = read(message)
    assert found is not None
    assert (found.text, dropped) == (expected, {})


def test_characters_that_databases_refuse_are_left_out(read: Read) -> None:
    card = {"author_name": "b\x00en", "title": "t", "title_link": "https://a.example/\x00", "text": "x\x00"}
    found, _ = read(written("<#C7|na\x00me> <#C7>", blocks=[rich("\x00y")], attachments=[card]))
    assert found is not None
    assert found.text == "y\n> **ben**\n> [t](https://a.example/)\n> x"
    found, _ = read(by_an_app("<#C7|na\x00me> <#C7>", attachments=[card]))
    assert found is not None
    assert found.text.startswith("#name #name\n")


def test_attachments_that_are_nested_too_deep_are_counted(read: Read) -> None:
    card: Json = {"text": "deepest"}
    for number in range(400):
        card = {"text": str(number), "attachments": [card]}
    found, dropped = read(attached(attachments=[card]))
    assert found is not None
    assert (found.text.splitlines()[-1], dropped) == ("> > > > 397", {"attachments that are nested too deep": 1})


def test_previews_of_links_in_the_text_are_counted(read: Read) -> None:
    card = {"from_url": "https://a.example/?a=1&b=2", "title": "A", "text": "about A"}
    found, dropped = read(written("<https://a.example/?a=1&amp;b=2>", attachments=[card]))
    assert found is not None
    assert (found.text, dropped) == ("https://a.example/?a=1&b=2", {PREVIEWS: 1})
    found, dropped = read(written("", attachments=[card]))
    assert found is not None
    assert (found.text, dropped) == ("> A\n> about A", {})


def test_files_of_forwarded_messages_are_imported(read: Read) -> None:
    file = {"id": "F1", "name": "may.xlsx", "permalink": "https://w.slack.com/files/F1"}
    found, dropped = read(
        written("", files=[file], attachments=[shared(files=[file, {"id": "F2", "mode": "tombstone"}])])
    )
    assert found is not None
    assert [(each.name, each.link) for each in found.files] == [("may.xlsx", "https://w.slack.com/files/F1")]
    assert dropped == {"files that Slack has deleted or hidden": 1}


@pytest.mark.parametrize(
    ("message", "dropped"),
    [
        (written(""), {"empty messages": 1}),
        (
            written("", attachments=[{"is_share": True, "from_url": PAGE}]),
            {"forwarded messages whose content the export does not have": 1},
        ),
        (by_an_app("", blocks=[{"type": "divider"}]), {"messages of apps without words": 1}),
        (
            by_an_app("", blocks=[{"type": "actions", "elements": [{"type": "button"}]}]),
            {"messages of apps without words": 1, LABELS_ONLY: 1},
        ),
    ],
)
def test_a_message_without_words_is_counted_by_what_it_was(read: Read, message: Json, dropped: dict[str, int]) -> None:
    assert read(message) == (None, dropped)

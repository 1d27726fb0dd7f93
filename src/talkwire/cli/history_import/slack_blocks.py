"""Converts the blocks of Slack's Block Kit, of which messages of apps consist, to Markdown for the web client.

https://docs.slack.dev/reference/block-kit/blocks

Blocks that have no form in Markdown become their texts, in order. So do kinds of blocks that this module does not know,
which are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from talkwire.cli.history_import.archive import items_of, object_of, text_of
from talkwire.cli.history_import.emoji import with_emoji
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.slack_rich_text import RichText
from talkwire.cli.history_import.texts import from_slack, from_slack_markdown, markdown_link, storable, unescaped

LABELS_ONLY = "buttons and forms in messages of apps (their labels are kept)"
UNKNOWN_BLOCKS = "blocks of unknown kinds in messages of apps (their texts are kept)"

_OF_TEXTS = frozenset({"alert", "card", "carousel", "container", "data_visualization", "input", "plan", "task_card"})
"""Types of blocks that become their texts, in order."""

_CONTROLS = re.compile(
    r"button|.*_button|.*_select|.*_input|.*picker|checkboxes|radio_buttons|overflow|feedback_buttons"
)
_TEXTS = frozenset({"plain_text", "mrkdwn", "raw_text", "raw_number"})

_WRITTEN_ESCAPE = re.compile("&amp;(?:amp|lt|gt);")

_TECHNICAL = re.compile(
    r"type|style|color|level|status|size|width|height|align|emoji|verbatim|team|channel|user|source|confirm|language"
    r"|.*_ids?|id|ts|.*_ts|.*url|.*icon|.*_value|.*_mode|.*_type|format|mimetype|filetype"
)
"""Pattern of the names of members that have no words for people."""


class SlackBlocks:
    """Converts the blocks of one message. `names` has the names of channels, groups of users and unknown users by their
    ids; `drop` counts what cannot be converted. `text` is the message's own text, in Slack's markup."""

    def __init__(self, people: People, names: Mapping[str, str], drop: Callable[[str], None], text: str = "") -> None:
        self._people = people
        self._names = names
        self._drop = drop
        # Exports have rich text both with and without escapes. It has none if the text shows that somebody wrote one.
        self._rich_text = RichText(people, names, drop, str if _WRITTEN_ESCAPE.search(text) else unescaped)
        self._drawn: dict[str, Callable[[dict[str, Any]], str]] = {
            "actions": lambda block: self._row(block, " · "),
            "call": self._call,
            "context": lambda block: self._row(block, " "),
            "context_actions": lambda block: self._row(block, " · "),
            "data_table": self._table,
            "divider": lambda _: "",
            "file": self._file,
            "header": self._header,
            "image": self._image,
            "markdown": self._markdown,
            "rich_text": lambda block: self._rich_text.text(block.get("elements")),
            "section": self._section,
            "table": self._table,
            "video": self._video,
        }

    def text(self, blocks: object) -> str:
        """Returns the blocks as Markdown, each on lines of its own."""
        try:
            found = [self._block(each) for each in items_of(blocks)]
        except RecursionError:
            self._drop("messages of apps that are nested too deep")
            return ""
        return storable("\n".join(each for each in found if each.strip()))

    def markup(self, text: object) -> str:
        """Returns a text in Slack's markup as Markdown."""
        return from_slack(text_of(text), self._people, self._names)

    def _block(self, block: dict[str, Any]) -> str:
        kind = text_of(block.get("type"))
        drawn = self._drawn.get(kind)
        if drawn is not None:
            return drawn(block)
        if kind not in _OF_TEXTS:
            self._drop(UNKNOWN_BLOCKS)
        return "\n".join(filter(str.strip, self._texts_of_members(block)))

    def _header(self, block: dict[str, Any]) -> str:
        words = " ".join(self._texts(block.get("text"))).split()
        return f"### {' '.join(words)}" if words else ""

    def _section(self, block: dict[str, Any]) -> str:
        members = (block.get(name) for name in ("text", "fields", "accessory"))
        return "\n".join(text for member in members for text in self._texts(member))

    def _row(self, block: dict[str, Any], between: str) -> str:
        return between.join(self._texts(block.get("elements")))

    def _markdown(self, block: dict[str, Any]) -> str:
        return from_slack_markdown(text_of(block.get("text")), self._people, self._names)

    def _texts(self, value: object) -> Iterator[str]:
        """Yields the texts that are somewhere in a value, in order."""
        if isinstance(value, list):
            for each in value:
                yield from self._texts(each)
        elif isinstance(value, dict):
            yield from filter(str.strip, self._texts_of_object(value))
        elif isinstance(value, str) and value.strip():
            yield self._plain(value)

    def _texts_of_object(self, value: dict[str, Any]) -> Iterator[str]:
        kind = text_of(value.get("type"))
        if kind in _TEXTS:
            yield self._text_object(value)
        elif kind.startswith("rich_text_"):
            yield self._rich_text.text([value])
        elif kind in self._drawn:
            yield self._block(value)
        elif kind == "url":
            yield markdown_link(text_of(value.get("url")), self._plain(value.get("text")))
        elif _CONTROLS.fullmatch(kind):
            yield self._control(value)
        else:
            yield from self._texts_of_members(value)

    def _texts_of_members(self, value: dict[str, Any]) -> Iterator[str]:
        for name, each in value.items():
            # The value of a choice is for the app; that of a number in a chart has no text beside it.
            if not _TECHNICAL.fullmatch(name) and not (name == "value" and "text" in value):
                yield from self._texts(self._plain(each) if name == "value" else each)

    def _text_object(self, value: dict[str, Any]) -> str:
        if value.get("type") == "mrkdwn":
            return self.markup(value.get("text"))
        text = self._plain(value.get("text") if "text" in value else value.get("value"))
        return text if value.get("emoji") is False or value.get("type") == "raw_text" else with_emoji(text)

    def _plain(self, value: object) -> str:
        """Returns a text without markup; also a number, which some tables have."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return unescaped(str(value) if is_number else text_of(value))

    def _control(self, value: dict[str, Any]) -> str:
        """Returns the words of a button or of a field of a form. A button with an address becomes a link."""
        label = " · ".join(self._texts_of_members({"text": "", **value}))
        if text_of(value.get("url")).startswith(("http://", "https://")):
            return markdown_link(text_of(value.get("url")), label)
        self._drop(LABELS_ONLY)
        return label

    def _image(self, block: dict[str, Any]) -> str:
        """Returns an image as a link with its title and its alternative text."""
        given = block.get("title")
        title = self._text_object(given) if isinstance(given, dict) else self._plain(given)
        alternative = self._plain(block.get("alt_text"))
        label = ": ".join(dict.fromkeys(filter(str.strip, (title, alternative))))
        address = text_of(block.get("image_url")) or text_of(object_of(block.get("slack_file")).get("url"))
        return markdown_link(address, label) if address.startswith(("http://", "https://")) else label

    def _video(self, block: dict[str, Any]) -> str:
        title = self._text_object(object_of(block.get("title"))) or self._plain(block.get("alt_text"))
        lines = (
            markdown_link(text_of(block.get("title_url")) or text_of(block.get("video_url")), title),
            self._text_object(object_of(block.get("description"))),
            self._plain(block.get("author_name")),
            self._plain(block.get("provider_name")),
        )
        return "\n".join(filter(str.strip, lines))

    def _file(self, block: dict[str, Any]) -> str:
        file = object_of(block.get("file"))
        name = self._plain(file.get("title")) or self._plain(file.get("name"))
        return markdown_link(text_of(file.get("permalink")), name)

    def _call(self, block: dict[str, Any]) -> str:
        call = object_of(object_of(block.get("call")).get("v1"))
        return markdown_link(text_of(call.get("join_url")), self._plain(call.get("name")))

    def _table(self, block: dict[str, Any]) -> str:
        given = block.get("rows")
        rows = [self._cells(row) for row in given] if isinstance(given, list) else []
        width = max(map(len, rows), default=0)
        if width == 0:
            return self._plain(block.get("caption"))
        columns = items_of(block.get("column_settings"))
        signs = [{"right": "--:", "center": ":-:"}.get(text_of(each.get("align")), "---") for each in columns]
        lines = [each + [""] * (width - len(each)) for each in (rows[0], (signs + ["---"] * width)[:width], *rows[1:])]
        # A line with a `|` below would be a further row.
        drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
        return "\n".join(filter(None, (self._plain(block.get("caption")), drawn)))

    def _cells(self, row: object) -> list[str]:
        cells = row.get("cells") if isinstance(row, dict) else row
        texts = [" ".join(self._texts(each)) for each in cells] if isinstance(cells, list) else []
        return [" ".join(text.split()).replace("|", "\\|") for text in texts]

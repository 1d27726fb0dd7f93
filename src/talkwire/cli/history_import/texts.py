"""Converts the markup of other systems to Markdown, which the web client shows.

Slack's mrkdwn: https://api.slack.com/reference/surfaces/formatting. Mattermost writes Markdown; Rocket.Chat marks bold
and deleted text with one character, as Slack does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import unescape

from talkwire.cli.history_import.emoji import with_emoji
from talkwire.cli.history_import.people import People
from talkwire.core.domain.texts import TEXT_MAX_BYTES

_FENCE = re.compile(r"```(.+?)```", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]+`")

_MARKDOWN_CODE = re.compile(
    r"^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,})[^\n]*\n(?:.*?^ {0,3}\1[`~]*[ \t]*$|.*\Z)"
    r"|(?:\A|(?<=\n\n))(?:(?: {4}| {0,3}\t)[^\n]*(?:\n|\Z))+"
    r"|(?<!`)(`{1,5})(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\2(?!`)",
    re.DOTALL | re.MULTILINE,
)
"""Pattern of code between fences, indented code and inline code, as in Markdown."""

_REFERENCE = re.compile(r"<([^<>\n]{1,3000})>")
_ADDRESS = re.compile(r"https?://[^\s<>]+")
_MARKDOWN_LINK = re.compile(r"\[[^\[\]\n]{1,500}\]\(https?://[^\s()]+\)")
_HANDLE = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9][A-Za-z0-9._-]*)")
_AFTER_NO_WORD = "".join(rf"(?<![^\W_][*_~]{{{count}}})" for count in range(4))

_BEFORE_NO_WORD = r"(?![*_~]{0,3}[^\W_])"
"""Pattern after which a word may not begin. Signs of other styles may be between a word and a sign: `_*x*_`."""

_BOLD = re.compile(rf"{_AFTER_NO_WORD}(?<!\*)\*(?![\s*])([^*\n]+?)(?<![\s*])\*(?!\*){_BEFORE_NO_WORD}")
_DELETED = re.compile(rf"{_AFTER_NO_WORD}(?<!~)~(?![\s~])([^~\n]+?)(?<![\s~])~(?!~){_BEFORE_NO_WORD}")
_KEPT = re.compile("\x00(\\d+)\x00")
_EVERYBODY = {"channel": "@all", "everyone": "@all", "group": "@all", "here": "@here"}


class _Kept:
    """Replaces parts of a text by placeholders, so that later conversions of the text do not change them."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def keep(self, part: str) -> str:
        """Stores a part of a text and returns its placeholder."""
        self._parts.append(part)
        return f"\x00{len(self._parts) - 1}\x00"

    def restored(self, text: str) -> str:
        """Returns a text with the stored parts in place of their placeholders. A part may contain further
        placeholders.
        """
        while "\x00" in text:
            text = _KEPT.sub(lambda match: self._parts[int(match[1])], text)
        return text


def from_slack(text: str, people: People, names: Mapping[str, str] | None = None) -> str:
    """Returns a text in Slack's markup as Markdown. `people` gives the names for mentions, `names` those of channels by
    their ids."""
    kept = _Kept()
    text = _with_blocks(storable(text), lambda code: kept.keep(_fence(_plain(code, people))))
    text = _INLINE.sub(lambda match: kept.keep(_plain(match[0], people)), text)
    text = _REFERENCE.sub(lambda match: kept.keep(_reference(match[1], people, names)), text)
    return kept.restored(_styled(unescape(text)))


def from_slack_markdown(text: str, people: People, names: Mapping[str, str] | None = None) -> str:
    """Returns a text that an app wrote to Slack in Markdown, with mentions as this server writes them and emoji instead
    of their names."""
    kept = _Kept()
    text = _MARKDOWN_CODE.sub(lambda match: kept.keep(unescaped(match[0])), storable(text))
    text = _REFERENCE.sub(lambda match: kept.keep(_reference(match[1], people, names)), text)
    return kept.restored(with_emoji(unescaped(text)))


def from_rocketchat(text: str, people: People) -> str:
    """Returns a text in Rocket.Chat's markup as Markdown. `people` gives the names for mentions."""
    kept = _Kept()
    text = _with_blocks(storable(text), lambda code: kept.keep(_fence(code)))
    for pattern in (_INLINE, _MARKDOWN_LINK, _ADDRESS):
        text = pattern.sub(lambda match: kept.keep(match[0]), text)
    return kept.restored(_styled(_mentions(text, people, kept)))


def from_mattermost(text: str, people: People) -> str:
    """Returns a text of Mattermost, which is Markdown, with mentions as this server writes them and emoji instead of
    their names. `people` gives the names for mentions."""
    kept = _Kept()
    text = storable(text)
    for pattern in (_MARKDOWN_CODE, _ADDRESS):
        text = pattern.sub(lambda match: kept.keep(match[0]), text)
    return kept.restored(with_emoji(_mentions(text, people, kept)))


def unescaped(text: str) -> str:
    """Returns a text of Slack with the three characters that Slack escapes: `&`, `<` and `>`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def as_quote(text: str) -> str:
    """Returns a text as a quote in Markdown."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def fenced(code: str, language: str = "") -> str:
    """Returns a block of code in Markdown. Its fences are longer than the runs of backticks in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", code)), 0)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def markdown_link(address: str, label: str = "") -> str:
    """Returns a link to a page in Markdown. Of other addresses, such as those for e-mail, returns the label."""
    if address.startswith(("mailto:", "tel:")):
        return label or address.partition(":")[2]
    if not label or label == address or label.rstrip("/") in {address, address.partition("://")[2]}:
        return address
    return f"[{_in_link(label)}]({address.replace(' ', '%20').replace(')', '%29')})"


def audience(name: str) -> str:
    """Returns the mention of everybody, or of those who are connected, that Slack names so (`channel`, `here`)."""
    return _EVERYBODY.get(name, f"@{name}")


def storable(text: str) -> str:
    """Returns a text without the characters that databases refuse: U+0000 is removed, lone surrogates become `?`."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def pieces(text: str, limit: int = TEXT_MAX_BYTES) -> list[str]:
    """Splits a text into pieces of at most `limit` bytes, so that each fits into a message.

    Cuts at ends of lines or words where possible.
    """
    encoded, start = text.encode(), 0
    found = []
    while len(encoded) - start > limit:
        head = encoded[start : start + limit].decode(errors="ignore")
        cut = max(head.rfind("\n"), head.rfind(" "))
        head = head[: cut + 1] if cut > len(head) // 2 else head
        found.append(head)
        start += len(head.encode())
    return [*found, encoded[start:].decode()]


def _styled(text: str) -> str:
    return with_emoji(_DELETED.sub(r"~~\1~~", _BOLD.sub(r"**\1**", text)))


def _fence(code: str) -> str:
    """Returns a code block whose fences (three backticks) are on lines of their own, as Markdown requires."""
    newline = "\n"
    return f"```{'' if code.startswith(newline) else newline}{code}{'' if code.endswith(newline) else newline}```"


def _with_blocks(text: str, block_of: Callable[[str], str]) -> str:
    """Returns a text in which `block_of(code)` replaces each code block, with a line break before and after it wherever
    text of the same line would touch it."""
    first, last = len(text) - len(text.lstrip(" ")), len(text.rstrip(" "))

    def alone(match: re.Match[str]) -> str:
        before = "" if match.start() <= first or text[match.start() - 1] == "\n" else "\n"
        after = "" if match.end() >= last or text[match.end()] == "\n" else "\n"
        return f"{before}{block_of(match[1])}{after}"

    return _FENCE.sub(alone, text)


def _plain(code: str, people: People) -> str:
    """Returns a piece of code from Slack in which links are plain addresses and mentions plain text, since Markdown
    does not format code."""
    return unescape(_REFERENCE.sub(lambda match: _reference(match[1], people, in_code=True), code))


def _reference(content: str, people: People, names: Mapping[str, str] | None = None, *, in_code: bool = False) -> str:
    """Returns the Markdown for a reference (a mention, channel, link or command), whose `content` Slack writes between
    `<` and `>`. `names` are those of channels by their ids. With `in_code`, a link becomes its address only."""
    target, _, label = content.partition("|")
    label = unescape(label)
    if target.startswith("@"):
        return people.mention(target[1:]) if target[1:] in people or not label else f"@{label.removeprefix('@')}"
    if target.startswith("#"):
        return f"#{label or (names or {}).get(target[1:], target[1:])}"
    if target.startswith("!"):
        return _command(target[1:], label)
    address = unescape(target)
    return markdown_link(address, label) if not in_code or address.startswith(("mailto:", "tel:")) else address


def _command(name: str, label: str) -> str:
    word = name.partition("^")[0]
    if word in _EVERYBODY:
        return _EVERYBODY[word]
    return label or f"@{word}"


def _in_link(label: str) -> str:
    return label.replace("[", "(").replace("]", ")")


def _mentions(text: str, people: People, kept: _Kept) -> str:
    """Returns a text in which mentions by a source system's handle are replaced by mentions that the server
    understands. The new mentions are placeholders of `kept`."""

    def named(match: re.Match[str]) -> str:
        handle = match[1].rstrip("._-")
        rest = match[1][len(handle) :]
        if handle.lower() in {"all", "channel", "here"}:
            return f"@{'here' if handle.lower() == 'here' else 'all'}{rest}"
        key = people.key_of_handle(handle)
        key = handle if key is None and handle in people else key
        return match[0] if key is None else kept.keep(people.mention(key)) + rest

    return _HANDLE.sub(named, text)


Converter = Callable[[str, People], str]

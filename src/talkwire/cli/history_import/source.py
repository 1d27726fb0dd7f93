"""The classes that represent the content of any export: users, conversations, messages and files."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from talkwire.cli.failures import Failure

Kind = Literal["direct", "group", "channel"]
UserIds = Literal["source", "handle", "email"]


class SourceUser(msgspec.Struct, omit_defaults=True):
    """A person or a bot in an export. `key` is the user's id in the source system, by which messages refer to the user.

    `picture` is a path in the export or a URL.
    """

    key: str
    name: str
    handle: str | None = None
    email: str | None = None
    picture: str | None = None
    deactivated: bool = False


class SourceConversation(msgspec.Struct, omit_defaults=True):
    """A conversation in an export. `roles` has the roles of owners and admins by user key (id in the source system).

    An `archived` conversation is imported so that nobody can write in it. A `direct` one has one or two members;
    those of the same people become one.
    """

    key: str
    kind: Kind
    members: list[str]
    name: str | None = None
    public: bool = False
    topic: str | None = None
    description: str | None = None
    created_ms: int | None = None
    archived: bool = False
    roles: dict[str, Literal["owner", "admin"]] = {}


class SourceFile(msgspec.Struct, omit_defaults=True):
    """A file attached to a message of an export. It is in the export at `path`, or can be downloaded from `url`.

    `link` is the address at which users of the source system open it.
    """

    name: str
    path: str | None = None
    url: str | None = None
    link: str | None = None


class SourceQuote(msgspec.Struct):
    """A message that another one quotes. `key` is its id in the source system, and `text` what the other one shows of
    it, as a quote in Markdown."""

    key: str
    text: str


class SourceMessage(msgspec.Struct, omit_defaults=True):
    """A message in an export. `key` is its id, unique in the conversation; `order` is its time in microseconds since
    1970.

    `text` is Markdown. `thread` and `reply_to` are keys of other messages; `reactions` has lists of user keys by emoji.

    `skipped` says why a message is not imported, such as "deleted messages". Where it begins a thread, it is imported
    all the same, with a `text` that says what it was, so that the replies stay together. `author` is its sender, who is
    imported only with it. `quotes` are not in the text.
    """

    conversation: str
    key: str
    sender: str
    order: int
    text: str
    edited_ms: int | None = None
    thread: str | None = None
    reply_to: str | None = None
    quotes: list[SourceQuote] = []
    pinned: bool = False
    reactions: dict[str, list[str]] = {}
    files: list[SourceFile] = []
    skipped: str | None = None
    author: SourceUser | None = None

    @property
    def created_ms(self) -> int:
        return self.order // 1000

    def with_quotes(self, reply_to: str | None) -> SourceMessage:
        """Returns the message as a reply to the quoted message with the key `reply_to`, if it is not None, and with all
        other quotes before its text."""
        quotes = [quote.text for quote in self.quotes if quote.key != reply_to]
        text = "\n".join(filter(str.strip, (*quotes, self.text)))
        return msgspec.structs.replace(self, text=text, reply_to=reply_to, quotes=[])


DELETED = "This message was deleted."
"""Text that begins a thread in place of a deleted message."""

CALL = "A call."
"""Text that begins a thread in place of a call."""

FILE_LOST = "A file that is lost."
"""Text that begins a thread in place of a message that was only a file, which is lost."""

NO_TEXT = "A message without a text."
"""Text that begins a thread in place of a message without a text."""


class Dropped(Counter[str]):
    """A counter of what is not imported: the number of losses by their description, such as "empty messages"."""


class InvalidExport(Failure):
    """Raised when an export cannot be read. Its text names the file and the problem."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


def printable(text: str) -> str:
    """Returns a text with its control characters replaced by spaces.

    Texts of an export come from others, and a terminal would execute control characters.
    """
    return "".join(char if char.isprintable() else " " for char in text)

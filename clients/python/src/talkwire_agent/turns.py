"""What the agent needs of the chat: turns in which it answers, and the message that it writes in one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from talkwire_client import AskedCard, Message
from talkwire_client.written_parts import MessagePart, WholePart


class MessageWriter(Protocol):
    """A message that is written while others read it. `MessageStream` of the client is one."""

    @property
    def parts(self) -> list[MessagePart]:
        """What was written so far; at first what an earlier attempt at the same turn has written."""

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Who has asked to stop, and when; None if nobody has."""

    async def until_stopped(self) -> None:
        """Waits until somebody has asked to stop, or the stream is over."""

    async def text(self, text: str) -> None:
        """Adds to the text."""

    async def reasoning(self, text: str) -> None:
        """Adds to the reasoning."""

    async def set(self, key: str | int, part: WholePart) -> None:
        """Adds a part that is no text, or replaces the one with this key or index."""

    async def rewind(self, part: int, at: int | None = None) -> None:
        """Removes a part and all later ones. Returns when all that is left is stored."""

    async def finish(self, *, error: Mapping[str, str] | None = None) -> Message:
        """Ends the message as `done`, as `failed` with an error, or as `stopped` if somebody has asked for that."""

    async def fail(self, code: str = "failed", message: str = "") -> Message:
        """Ends the message as `failed`."""


class Turn(Protocol):
    """The agent's turn to answer in a conversation.

    A turn belongs to one process at a time. If that process dies or calls `fail`, the turn may come back, in another
    process too.
    """

    @property
    def id(self) -> str:
        """The turn's id."""

    @property
    def conversation_id(self) -> str:
        """The id of the conversation."""

    @property
    def agent_id(self) -> str:
        """The user id of the agent."""

    @property
    def note(self) -> str | None:
        """What the agent is to know about this turn; None if that is nothing."""

    @property
    def messages(self) -> Sequence[Message]:
        """The messages that nobody has answered yet, the oldest first."""

    @property
    def card(self) -> Message | None:
        """The message with the card for which the turn has waited, once its decision has ended."""

    def stream(self, *, model: str | None = None) -> AbstractAsyncContextManager[MessageWriter]:
        """Opens a message of the agent.

        If an earlier attempt has left one open or interrupted, opens that one, with its `parts`. If the earlier one has
        ended, opens another one.
        """

    async def ask(self, card: AskedCard) -> None:
        """Sends a card. The turn waits for the decision without this process, and comes back with `card`."""

    async def send(self, content: str) -> Message:
        """Sends a message of the agent."""

    async def done(self) -> None:
        """Ends the turn: the messages are answered."""

    async def fail(self, code: str, message: str) -> None:
        """Ends this attempt at the turn. The code `model_unavailable` means that a later attempt may succeed."""

    async def update(self, label: str) -> bool:
        """Shows what the agent does where typing is shown. Returns whether somebody has asked to stop."""


class ConversationHistory(Protocol):
    """Reads the messages of a conversation. `Talkwire` is one."""

    def history(self, conversation_id: str) -> AsyncIterator[Message]:
        """Yields the messages, the newest first."""

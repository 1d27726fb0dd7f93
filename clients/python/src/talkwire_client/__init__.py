"""A client for Talkwire, a self-hosted messaging server: for bots, back ends and other programs.

async with Talkwire("https://chat.example.com", token=get_token) as chat:
    await chat.send("order-17", "Hello!")
    async for event in chat.events():
        ...

`BlockingTalkwire` has the same calls for programs without asyncio.
"""

from talkwire_client.agents.answer_stream import AnswerStream
from talkwire_client.agents.blocking_turns import BlockingTurn, BlockingTurns
from talkwire_client.agents.turn import Turn
from talkwire_client.agents.turns import Turns
from talkwire_client.blocking import BlockingTalkwire
from talkwire_client.blocking_stream import BlockingMessageStream
from talkwire_client.client import State, Talkwire
from talkwire_client.errors import TalkwireError
from talkwire_client.event import Event, Signal
from talkwire_client.live import SignalStream
from talkwire_client.message_stream import MessageStream
from talkwire_client.payloads import (
    AnyEvent,
    AnySignal,
    AskedCard,
    Card,
    CardAction,
    ClaimedTurn,
    Conversation,
    File,
    Handling,
    ListedTurn,
    Member,
    Message,
    Notification,
    SeenCard,
    Team,
    User,
)
from talkwire_client.streams import EventStream
from talkwire_client.tokens import Token

__version__ = "0.1.0"

__all__ = [
    "AnswerStream",
    "AnyEvent",
    "AnySignal",
    "AskedCard",
    "BlockingMessageStream",
    "BlockingTalkwire",
    "BlockingTurn",
    "BlockingTurns",
    "Card",
    "CardAction",
    "ClaimedTurn",
    "Conversation",
    "Event",
    "EventStream",
    "File",
    "Handling",
    "ListedTurn",
    "Member",
    "Message",
    "MessageStream",
    "Notification",
    "SeenCard",
    "Signal",
    "SignalStream",
    "State",
    "Talkwire",
    "TalkwireError",
    "Team",
    "Token",
    "Turn",
    "Turns",
    "User",
]

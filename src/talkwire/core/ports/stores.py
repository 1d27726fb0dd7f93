"""The database interfaces of single features, such as offers, files and presence. `transaction.py` has the interfaces
that all features share.

What a snapshot offers only reads. A `Writable…` interface adds the methods with which transactions write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from talkwire.core.commands.agents.turns import AgentNumbers
from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.conversations import ListOrder
from talkwire.core.commands.desk.numbers import DeskNumbers
from talkwire.core.commands.messages import MessageVersion, ThreadMark
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.commands.presence import ConnectedUsers, FoundPlace, FoundPlaces
from talkwire.core.commands.receipts import Unread, UnreadTotal
from talkwire.core.commands.server.console import ConversationRecord, LostNode, PushState, Totals
from talkwire.core.commands.server.erasure import ErasureStep, LogRow, PendingErasure
from talkwire.core.commands.server.offline_queue import Arrival, Mail, MissedMessage
from talkwire.core.commands.server.pushes import PushJob, PushResult
from talkwire.core.commands.server.recovery import StoredSession
from talkwire.core.commands.server.timers import Timer
from talkwire.core.commands.streams.storing import Checkpoint, KeptStreams
from talkwire.core.commands.sync import LogFilter
from talkwire.core.domain.agents.turns import Turn, TurnState
from talkwire.core.domain.cards.card import AskedCard, CardChoice
from talkwire.core.domain.desk.teams import GroundsFacts, Team, TeamChange
from talkwire.core.domain.events import Durable
from talkwire.core.domain.integration.webhooks import Webhook, WebhookAttempt, WebhookSigning
from talkwire.core.domain.model import (
    AccountRole,
    Actor,
    Conversation,
    ConversationKind,
    File,
    HistoryStart,
    Invitation,
    Message,
    Notification,
    Notify,
    Offer,
    Preferences,
    PresenceRecord,
    PushSubscription,
    Reaction,
    Restriction,
    RestrictionKind,
    Upload,
    User,
)
from talkwire.core.domain.moderation.audit import Act, AuditEntry
from talkwire.core.domain.moderation.reports import MessageReport, ReportState
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.domain.parts.streams import Stream
from talkwire.core.domain.search.metadata_keys import KeyedText
from talkwire.core.domain.search.name_search import NameKey, NamePage
from talkwire.core.domain.search.search_terms import SearchScope, SearchTerms


class StoredAnswer(msgspec.Struct, frozen=True):
    """The stored result of a command as JSON, with a hash of the command. A request that is repeated with the same
    `Idempotency-Key` receives this result. It may be deleted at `expires_ms` (milliseconds since 1970)."""

    command_hash: int
    result: str
    expires_ms: int


class StoredAnswers(Protocol):
    """The table of the results of requests with an `Idempotency-Key`, from which a repeated request is answered."""

    def find(self, key: IdempotencyKey) -> StoredAnswer | None: ...


class WritableStoredAnswers(StoredAnswers, Protocol):
    def keep(self, key: IdempotencyKey, answer: StoredAnswer) -> None: ...
    def drop_expired(self, now_ms: int) -> None: ...


NOBODY_WAITS_MS = 2**53 - 1
"""Time by which a list in the order `waitingSince` sorts a conversation in which nobody waits, in milliseconds since
1970."""


class ConversationFilter(NamedTuple):
    """Which conversations a list has: those that meet each condition that is set.

    `member_id`: this user is a member. With `as_member`, the list is that member's own: it is sorted as the member sees
    the conversations, and without `team_id` it has only those in the member's list; with `archived`, only those that
    the member has archived, even if a newer message has arrived in them since.

    `team_id`: the team is in the conversation. `handler_id`: this user handles it; `is_unhandled`: nobody does.
    `closed`: it is closed, or if False open. Only conversations with a team meet one of these. `keyed`: its metadata
    have a value with this text.
    """

    member_id: str | None = None
    as_member: bool = False
    archived: bool = False
    team_id: str | None = None
    handler_id: str | None = None
    is_unhandled: bool = False
    closed: bool | None = None
    keyed: KeyedText | None = None


class ListPlace(NamedTuple):
    """A conversation's place in a sorted list: first by `waiting_ms`, the earliest first, then by `pos`, the newest
    first, then by id.

    `waiting_ms` is the time since when a customer waits in the order `waitingSince`, otherwise and if nobody waits
    NOBODY_WAITS_MS. `pos` is the log position of the newest message or offer; in a member's own list, the position from
    which the member sees the conversation if it is later.
    """

    waiting_ms: int
    pos: int
    id: str


class ConversationLists(Protocol):
    """Reads the conversations that a filter selects."""

    def is_indexed(self, key: str) -> bool:
        """Returns whether all conversations are indexed by a key of their metadata, which `ConversationFilter.keyed`
        requires."""
        ...

    def by_id(self, wanted: ConversationFilter, after_id: str | None, limit: int) -> Sequence[Conversation]:
        """Returns at most `limit` of the conversations in the order of their ids: those after the id `after_id`, or the
        first ones for None."""
        ...

    def in_order(
        self, wanted: ConversationFilter, order: ListOrder, after: ListPlace | None, limit: int
    ) -> Sequence[tuple[Conversation, ListPlace]]:
        """Returns at most `limit` of the conversations in an order, each with its place: those after the place `after`,
        or the first ones for None."""
        ...


class ConversationKeys(Protocol):
    """The index of conversations by keys of their metadata, in a write transaction."""

    def index_more(self, keys: Collection[str], limit: int, now_ms: int) -> bool:
        """Indexes at most `limit` conversations that are not indexed yet by all of `keys`. Returns whether there may be
        more.

        While a node of a version without this index runs at `now_ms` (milliseconds since 1970), no key is complete and
        nothing is indexed.
        """
        ...

    def drop_others(self, keys: Collection[str], limit: int) -> bool:
        """Removes at most `limit` entries of keys other than `keys`. Returns whether it found such a key."""
        ...


class Timers(Protocol):
    """Reads timers (`core/commands/server/timers.py`)."""

    def first(self, kinds: Collection[str]) -> Timer | None:
        """Returns the timer of one of the kinds that fires first."""
        ...


class WritableTimers(Timers, Protocol):
    """Also changes timers. What is changed is written at the end of the transaction, and not read before."""

    def due(self, kinds: Collection[str], now_ms: int, limit: int) -> Sequence[Timer]:
        """Returns at most `limit` timers of these kinds that are due at `now_ms`, in the order in which they fire."""
        ...

    def set(self, kind: str, key: str, due_ms: int | None) -> None:
        """Sets or moves a timer to `due_ms` (milliseconds since 1970), or removes it for None."""
        ...

    def add_missing(self) -> None:
        """Sets the timers of rows that nodes of a version without timers have written."""
        ...


class Streams(Protocol):
    """Reads streams, messages that are written while others read them (`core/domain/parts/streams.py`)."""

    def find(self, message_id: int) -> Stream | None: ...


class WritableStreams(Streams, Protocol):
    def put(self, stream: Stream) -> None:
        """Stores a stream, or replaces the one of the same message."""
        ...

    def drop(self, message_id: int) -> None: ...

    def keep(self, node_id: str, checkpoints: Collection[Checkpoint]) -> KeptStreams:
        """Stores the parts of messages that are being written, and renews the leases of their streams. Nothing is
        stored of those that have ended, or have another attempt or home than `node_id`."""
        ...

    def count_open(self, author_id: str) -> int:
        """Returns how many messages a user is writing."""
        ...

    def answers(self, message: Message) -> Sequence[Stream]:
        """Returns the streams that answer a message."""
        ...

    def stop_answers(self, message_id: int, by: str) -> None:
        """Stores that the user `by` has stopped the streams that answer a message, for `ANSWERS_STOPPED_MS`."""
        ...

    def answers_stopped_by(self, message_id: int) -> str | None:
        """Returns who has stopped the streams that answer a message, less than `ANSWERS_STOPPED_MS` ago."""
        ...


class Turns(Protocol):
    """Reads turns, the pieces of agents' work (`core/domain/agents/turns.py`)."""

    def find(self, turn_id: int) -> Turn | None: ...

    def messages_of(self, turn_id: int) -> Sequence[int]:
        """Returns the ids of the messages that a turn answers, in ascending order."""
        ...

    def page(
        self, agent_ids: Collection[str] | None, state: TurnState | None, before_id: int | None, limit: int
    ) -> Sequence[Turn]:
        """Returns at most `limit` turns, the newest first: those of these agents (None: of all), in this state (None:
        in any), and with ids below `before_id` if it is set."""
        ...

    def agents_owned_by(self, user_id: str) -> Sequence[str]: ...

    def numbers(self, since_ms: int) -> Sequence[AgentNumbers]:
        """Returns the numbers of all agents that have turns; those of answers since `since_ms`."""
        ...


class WritableTurns(Turns, Protocol):
    """Also changes turns. What is changed is written at once."""

    def put(self, turn: Turn) -> None:
        """Stores a turn, or replaces the one with its id."""
        ...

    def drop(self, turn_id: int) -> None: ...
    def add_message(self, turn_id: int, message_id: int) -> None: ...

    def new_in(self, conversation_id: str, agent_id: str) -> Turn | None:
        """Returns the agent's newest turn in a conversation that nobody has claimed yet."""
        ...

    def first_claimable(self, agent_id: str, conversation_id: str | None, now_ms: int) -> Turn | None:
        """Returns the oldest turn that an agent can claim now, in one conversation if that is set. Turns of
        conversations in which another turn is `working`, that a person handles, or of which the agent is no member, are
        none."""
        ...

    def claimable_in(self, conversation_id: str, now_ms: int) -> Sequence[Turn]:
        """Returns the turns of a conversation that agents can claim now, the oldest first."""
        ...

    def working_in(self, conversation_id: str) -> Turn | None: ...

    def worked_on_by(self, agent_id: str) -> Sequence[str]:
        """Returns the ids of the conversations in which an agent works on a turn."""
        ...

    def waiting_in(self, conversation_id: str) -> Sequence[Turn]: ...

    def working_on(self, message_id: int) -> Sequence[Turn]:
        """Returns the working turns that answer a message."""
        ...

    def agents_with(self, message_id: int) -> Collection[str]:
        """Returns the agents that have an open turn which answers a message."""
        ...

    def of_message(self, message_id: int) -> Sequence[Turn]:
        """Returns the open turns that have a message as their stream, or wait for the decision about its card."""
        ...

    def has_stopped(self, conversation_id: str, root_id: int) -> bool:
        """Returns whether a turn of the chain of agents' messages from `root_id` on has failed because of its depth."""
        ...

    def agents_in(self, conversation_id: str) -> Sequence[str]:
        """Returns the agents that are members of a conversation, without banned ones."""
        ...

    def agents_following(self, conversation_id: str, root_id: int) -> Sequence[str]:
        """Returns those of them that follow a thread."""
        ...

    def newest_of_others(self, conversation_id: str, agent_id: str) -> Message | None:
        """Returns the newest message of a conversation that somebody else than the agent sent, of the newest 100, and
        that is no system message."""
        ...

    def sent_until_ms(self, conversation_id: str, agent_id: str) -> int:
        """Returns until when an agent has used its messages up in a conversation, in milliseconds since 1970."""
        ...

    def put_sent_until_ms(self, conversation_id: str, agent_id: str, until_ms: int) -> None: ...

    def keep_note(self, conversation_id: str, agent_id: str, note: str, by: str) -> None:
        """Keeps what the user `by` wrote for the agent's next turn in a conversation."""
        ...

    def take_note(self, conversation_id: str, agent_id: str) -> tuple[str | None, str | None]:
        """Removes that note, and returns it and who wrote it."""
        ...


class FilePlace(NamedTuple):
    """A file's place in the list of a conversation's files: the sequence number (`seq`) and the id of a message that
    shows the file, and the file's id."""

    seq: int
    file_id: str
    message_id: int


class MessageParts(Protocol):
    """Reads the earlier versions, thread replies, reactions and pins of messages, and the files that messages show."""

    def versions(self, message_id: int, before_number: int | None, limit: int) -> Sequence[MessageVersion]:
        """Returns earlier texts of an edited message, in ascending order of their version numbers: the last `limit`
        versions before version `before_number`, or of all for None."""
        ...

    def replies(
        self,
        root_id: int,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        """Returns at most `limit` replies of the thread that started with the message `root_id`, in ascending order:
        the first ones after `after_seq`, otherwise the last ones before `before_seq`, or the newest for None. Messages
        up to `history_seq` are left out, because the reader may not see them."""
        ...

    def without_replies(
        self,
        conversation_id: str,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        """Returns at most `limit` messages of a conversation that are not replies in threads, in ascending order of
        their numbers (`seq`): the first ones after `after_seq`, otherwise the last ones before `before_seq`, or the
        newest for None. Messages up to `history_seq` are left out, because the reader may not see them."""
        ...

    def pinned(
        self, conversation_id: str, history_seq: int, before: tuple[int, int] | None, limit: int
    ) -> Sequence[Message]:
        """Returns at most `limit` pinned messages of a conversation whose `seq` is above `history_seq`, the most
        recently pinned first. `before` is the (pin time in milliseconds since 1970, message id) of the last message of
        the previous page, None for the first page."""
        ...

    def count_pinned(self, conversation_id: str) -> int: ...

    def file_places(
        self, conversation_id: str, kind: str, history_seq: int, before: tuple[int, str] | None, limit: int
    ) -> Sequence[FilePlace]:
        """Returns at most `limit` files of one kind that were sent in a conversation, each with its message's `seq`
        (number in the conversation), newest message first. `kind` is one of `FILE_KINDS`.

        Files of one message are in descending order of their ids. `before` is the (`seq`, file id) of the last file of
        the previous page, None for the first page. Only files whose `seq` is above `history_seq` are returned.
        """
        ...

    def messages_with_links(
        self, conversation_id: str, history_seq: int, until_seq: int, limit: int
    ) -> Sequence[Message]:
        """Returns at most `limit` messages of a conversation whose text contains `://`, newest first: those with
        numbers (`seq`) up to `until_seq` and above `history_seq`."""
        ...

    def messages_by_id(self, message_ids: Collection[int]) -> Mapping[int, Message]: ...
    def has_reacted(self, message_id: int, user_id: str, emoji: str) -> bool: ...

    def reactions_without(self, message_id: int, user_id: str, emoji: str) -> Sequence[Reaction]:
        """Returns the reactions that a message will have once the user's reaction with this emoji is removed. Changes
        nothing."""
        ...


class FollowedRoot(NamedTuple):
    """An entry of a user's list of followed threads: the thread and the user's read position in it (`mark`), and the id
    of the thread's newest reply."""

    mark: ThreadMark
    last_id: int


class Threads(Protocol):
    """Reads which users follow which threads, and each user's read position in them. Leaves out users who may no longer
    see the message that a thread started with (its root)."""

    def mark(self, root_id: int, user_id: str) -> ThreadMark | None:
        """Returns the user's state in a thread: whether they follow it, and up to where they have read it. Returns None
        if the user never followed it."""
        ...

    def unread_after(self, root_id: int, user_id: str, seq: int) -> int:
        """Returns how many replies of a thread would be unread for a user whose read position in the thread is `seq`,
        counted up to `THREAD_UNREAD_MAX`."""
        ...

    def newest_seq(self, root_id: int) -> int | None:
        """Returns the `seq` (number in the conversation) of a thread's newest reply, or None if the thread has no
        replies."""
        ...

    def followed(self, user_id: str, before_id: int | None, limit: int) -> Sequence[FollowedRoot]:
        """Returns a page of the threads that the user follows and that have replies, the one with the newest reply
        first. `before_id` is the id of the newest reply in the last thread of the previous page; None returns the first
        page."""
        ...

    def count_unread(self, user_id: str) -> int:
        """Returns how many of the threads that the user follows have replies that the user has not read."""
        ...

    def followers(self, root_ids: Collection[int]) -> Sequence[tuple[str, ThreadMark]]:
        """Returns (user id, state in the thread) for all users who follow one of these threads."""
        ...


class Retention(Protocol):
    def prune(self, before_ms: int, limit: int) -> bool:
        """Deletes the content of messages sent before `before_ms`, and the log's events from before that time.

        Starts with the oldest, and handles at most `limit` positions of the log and `limit` imported messages. Returns
        whether there may be more.

        Skips messages of users on hold (whose messages must not be deleted), and conversations with a retention time of
        their own: `prune_apart` handles both.
        """
        ...

    def prune_apart(self, now_ms: int, retention_ms: int | None, after_id: str, limit: int) -> str | None:
        """Deletes the content of old messages in conversations that have, or had, their own retention time.

        Visits some of these conversations in the order of their ids, after `after_id`, and clears at most `limit`
        messages. `retention_ms` applies to conversations without their own time; None keeps their messages. Returns the
        conversation id to continue after, or None when all have been visited.
        """
        ...

    def held_conversations(self, user_id: str) -> Sequence[str]:
        """Returns the ids of conversations on hold (in which nothing may be deleted) that the user is or was a member
        of: only some if there are many, because an error names them."""
        ...

    def held_members(self, conversation_id: str) -> Sequence[User]:
        """Returns users on hold (whose messages must not be deleted) who are or were members of a conversation: only
        some if there are many, because an error names them."""
        ...


class Search(Protocol):
    """Queries on the index for full-text search. The index is updated shortly after each commit: it may lack new
    messages and still contain deleted ones."""

    def candidate_ids(
        self, terms: SearchTerms, scope: SearchScope, before_id: int | None, limit: int, *, roughly: bool
    ) -> Sequence[int]:
        """Returns the ids of at most `limit` messages that `scope` covers and that may contain the search terms, newest
        first; only ids below `before_id`, unless it is None.

        Callers have to check the texts: messages that do not match may be included. With `roughly`, these may be many,
        if finding the messages that match would be expensive.
        """
        ...

    def messages(self, message_ids: Collection[int]) -> Sequence[Message]:
        """Returns the messages with these ids in their current state, that is after edits and deletions, newest
        first."""
        ...

    def public_conversations(self, after_id: str | None, limit: int) -> Sequence[Conversation]:
        """Returns a page of the public conversations (groups and channels that everyone may join), in the order of
        their ids, after the id `after_id`; None starts at the first."""
        ...


class Erasures(Protocol):
    """Finds what remains to be removed by erasures of users that have begun and are not finished."""

    def next_pending(self) -> PendingErasure | None: ...
    def pending(self, user_id: str) -> PendingErasure | None: ...

    def texts(self, pending: PendingErasure) -> ErasureStep:
        """Finds the next texts of a user that an erasure has to remove: returns a step with the ids of the user's
        messages, of forwarded copies of them, of messages with the user's reactions, and of the user's offers (proposed
        prices). The step's `is_last` says that none are left. Changes nothing."""
        ...

    def log_rows(
        self, pending: PendingErasure, types: Collection[str], without_texts: Callable[[Durable], Durable]
    ) -> ErasureStep:
        """Finds the next events of the log that mention the user, among those of the given types: returns a step with
        those that `without_texts` changes, as it returns them. The step's `is_last` says that no further events are
        left. Changes nothing."""
        ...

    def owned_conversations(self, user_id: str) -> Sequence[str]:
        """Returns the ids of some of the conversations in which the user has the role `owner`."""
        ...


class WritableErasures(Erasures, Protocol):
    """Removes what `Erasures` finds, and stores which erasures are not finished."""

    def put(self, pending: PendingErasure) -> None: ...
    def end(self, user_id: str) -> None: ...

    def forget_client_ids(self, user_id: str, message_ids: Collection[int]) -> None:
        """Removes the deleted messages among `message_ids` from the search index, and the client message ids (ids that
        the user's client chose) of those of them that the user has sent. Leaves other messages unchanged."""
        ...

    def rewrite_log(self, rows: Sequence[LogRow]) -> None: ...

    def drop_rows(self, user_id: str) -> bool:
        """Deletes some of the user's notifications, ratings and choices of cards, and some of the stored command
        results that mention the user. Returns whether there may be more of these."""
        ...


class ExportReads(Protocol):
    """Queries that only exports of a user's or a conversation's data use. Lists are in the order of ids and continue
    after an id, so that an export can read them in pages."""

    def former_conversations(self, user_id: str) -> Sequence[str]:
        """Returns the ids of the conversations that the user has left and that still exist."""
        ...

    def messages_from(self, conversation_id: str, user_id: str, after_seq: int, limit: int) -> Sequence[Message]:
        """Returns at most `limit` messages that the user has sent in a conversation after `after_seq`, oldest first."""
        ...

    def files_of(self, owner_id: str, after_id: str, limit: int) -> Sequence[File]: ...
    def files_in(self, conversation_id: str, after_id: str, limit: int) -> Sequence[File]: ...


class ConsoleReads(Protocol):
    """Queries for the lists in the operators' console. They leave out deleted conversations."""

    def users(
        self, folded_text: str, after: NameKey | None, limit: int, *, banned: bool | None = None
    ) -> NamePage[User]:
        """Returns a page of at most `limit` users whose name starts with the folded `folded_text`, at its beginning
        or at a later word, ordered by the part of the name from there on. `after` is `next` of the previous page, None
        for the first.

        `banned`: True returns only banned users, without erased ones; False only users who are not banned; None all.
        """
        ...

    def conversation(self, conversation_id: str) -> ConversationRecord | None: ...

    def conversations_by_age(
        self, kind: ConversationKind | None, before: tuple[int, str] | None, limit: int
    ) -> Sequence[ConversationRecord]:
        """Returns at most `limit` conversations, newest first, only of the kind `kind` unless it is None. `before` is
        the (creation time in milliseconds since 1970, id) of the last one of the previous page, None for the first
        page."""
        ...

    def conversations_by_name(
        self, folded_text: str, kind: ConversationKind | None, after: NameKey | None, limit: int
    ) -> NamePage[ConversationRecord]:
        """Returns a page of at most `limit` conversations whose name starts with the folded `folded_text`, at its
        beginning or at a later word, ordered by the part of the name from there on; only of the kind `kind` unless it
        is None. `after` is `next` of the previous page, None for the first."""
        ...

    def totals(self) -> Totals: ...
    def lost_nodes(self, since_ms: int, limit: int) -> Sequence[LostNode]: ...

    def push_state(self, limit: int) -> PushState:
        """Counts push subscriptions, and returns at most `limit` of those
        whose last pushes failed, the one with the most failures first."""
        ...


class SavedPlace(NamedTuple):
    """The id of a message that a user has saved for later, and when the user saved it: as milliseconds since 1970, and
    as a position in the log."""

    message_id: int
    saved_ms: int
    pos: int


class SavedMessages(Protocol):
    """The table of messages that users have saved for later."""

    def find(self, user_id: str, message_id: int) -> SavedPlace | None: ...
    def count(self, user_id: str) -> int: ...

    def of_user(
        self, user_id: str, conversation_id: str | None, before_pos: int | None, limit: int
    ) -> Sequence[SavedPlace]:
        """Returns at most `limit` saved messages that the user may see now, last saved first: of one conversation, or
        of all if `conversation_id` is None. `before_pos` is the log position of the last entry of the previous page,
        None for the first page."""
        ...


class GivenRating(NamedTuple):
    """A user's rating of a message: 1, -1, or 0 for none; and the user's comment on it."""

    rating: int
    comment: str | None


class RatingSums(NamedTuple):
    """How many users have rated a message up and down."""

    up: int
    down: int


class OwnRating(NamedTuple):
    """A rating of the message `message_id` that a user has given at `rated_ms`, in milliseconds since 1970."""

    message_id: int
    rating: int
    comment: str | None
    rated_ms: int


class Ratings(Protocol):
    """The table of ratings of agents' messages."""

    def given(self, message_id: int, user_id: str) -> GivenRating | None: ...
    def sums(self, message_id: int) -> RatingSums: ...

    def of_user(self, user_id: str, after_id: int, limit: int) -> Sequence[OwnRating]:
        """Returns at most `limit` ratings that a user has given, of messages with ids above `after_id`, in their
        order."""
        ...


class Question(NamedTuple):
    """What a card of the user `author_id` asks in a conversation."""

    conversation_id: str
    author_id: str
    asked: AskedCard


class OwnChoice(NamedTuple):
    """What a user has chosen of the card of the message `message_id`."""

    message_id: int
    choice: CardChoice


class Cards(Protocol):
    """What users have chosen of cards, and the cards that are open."""

    def choice(self, message_id: int, user_id: str) -> CardChoice | None: ...

    def choices(self, message_id: int, limit: int | None = None) -> Sequence[CardChoice]:
        """Returns the choices of a card, the oldest first: all, or at most `limit`."""
        ...

    def open_for(self, user_id: str, limit: int) -> Sequence[Message]:
        """Returns at most `limit` messages with open cards, except polls, in the user's conversations, the newest
        first: those of which the user has chosen nothing."""
        ...

    def of_user(self, user_id: str, after_id: int, limit: int) -> Sequence[OwnChoice]:
        """Returns at most `limit` choices of a user, of cards of messages with ids above `after_id`, in their order."""
        ...

    def asked(self, question: Question, *, now_ms: int, limit: int, not_yet: int | None = None) -> Sequence[str]:
        """Returns the ids of at most `limit` members who may answer a question now; without those who have chosen of
        the card of the message `not_yet`."""
        ...


class WritableCards(Cards, Protocol):
    def put_choice(self, message_id: int, choice: CardChoice) -> None:
        """Stores a user's choice in place of an earlier one. Without actions, it only removes that."""
        ...


class Offers(Protocol):
    def find(self, offer_id: int) -> Offer | None: ...

    def of_conversation(
        self, conversation_id: str, after_pos: int, before_id: int | None, limit: int
    ) -> Sequence[Offer]:
        """Returns at most `limit` offers (prices that members proposed) of a conversation, newest first: those created
        after the log position `after_pos`, and with ids below `before_id` if it is set."""
        ...

    def in_scope(self, scope: SearchScope, before_id: int | None, limit: int) -> Sequence[Offer]:
        """Returns at most `limit` offers (proposed prices) that a search covers, newest first, without deleted ones:
        those with ids below `before_id` if it is set."""
        ...

    def by_id(self, offer_ids: Collection[int]) -> Mapping[int, Offer]: ...


class Notices(Protocol):
    def events(
        self, conversation_id: str, types: Collection[str], from_pos: int, before_pos: int | None, limit: int
    ) -> Sequence[Durable]:
        """Returns at most `limit` events of these types in a conversation from the log, newest first: those at the log
        position `from_pos` or later, and before `before_pos` if it is set."""
        ...

    def last_calls(self, conversation_ids: Collection[str]) -> Sequence[Durable]:
        """Returns the newest CallRecorded of each of the conversations that had a call, in any order."""
        ...


class Notifications(Protocol):
    """Users' notification settings, and the notifications stored for users."""

    def preferences(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        """Returns user id -> notification settings, without users who have never changed their settings."""
        ...

    def of_user(
        self, user_id: str, since_ms: int, before_id: int | None, limit: int, *, unread: bool
    ) -> Sequence[Notification]:
        """Returns at most `limit` of the user's notifications that were created after `since_ms` (milliseconds since
        1970), newest first, each with its current text and read state; only ids below `before_id`, unless it is None.
        With `unread`, only unread ones."""
        ...

    def count_unread(self, user_id: str, since_ms: int) -> int:
        """Returns how many unread notifications of the user were created after `since_ms` (milliseconds since
        1970), among those that `of_user` would list."""
        ...

    def unread_offers(self, user_id: str, conversation_ids: Collection[str], since_ms: int) -> Mapping[str, int]:
        """Returns conversation id -> how many offers (proposed prices) are unread for the user in it, without
        conversations that have none. Offers that did not notify the user, because the conversation was muted, count
        too. Only offers from after `since_ms` (milliseconds since 1970) count."""
        ...

    def unread_of_messages(self, conversation_id: str, user_id: str) -> Sequence[tuple[int, int | None]]:
        """Returns (notification id, root message id of its thread) of the unread notifications about messages of the
        conversation, oldest first. The root is None for a notification that becomes read with the conversation and not
        with a thread."""
        ...

    def of_keys(self, keys: Collection[tuple[str, int]]) -> Sequence[tuple[Notification, str | None]]:
        """Returns (notification, name of its conversation) for the given (user id, notification id) pairs.

        Leaves out notifications that their user may not see now, and those about deleted messages. The name is None for
        a conversation without one.
        """
        ...


class WritableNotifications(Notifications, Protocol):
    def mark_decisions_read(
        self, message: Message, user_ids: Collection[str], now_ms: int
    ) -> Mapping[str, Collection[int]]:
        """Marks these users' notifications that a decision about a message waits as read, and returns user id -> the
        ids of those that were unread."""
        ...

    def mark_read(self, user_id: str, ids: Collection[int] | None, now_ms: int) -> Collection[int]:
        """Marks a user's notifications as read and returns the ids of those that were unread. None for `ids` marks all
        of them."""
        ...


class PushSubscriptions(Protocol):
    """The table of push subscriptions: apps and browsers of users to which the server sends push notifications."""

    def find(self, subscription_id: str) -> PushSubscription | None: ...

    def of_user(self, user_id: str) -> Sequence[PushSubscription]:
        """Returns the user's push subscriptions, most recently renewed first."""
        ...

    def is_removed(self, subscription_id: str, user_id: str) -> bool:
        """Returns whether this user has removed the push subscription with this id."""
        ...


class WritablePushSubscriptions(PushSubscriptions, Protocol):
    def put(self, subscription: PushSubscription, service: str) -> None:
        """Stores a push subscription, replacing the one with the same id. `service` names its push service: the scheme,
        host and port of the URL that pushes are sent to."""
        ...

    def drop(self, subscription_ids: Collection[str]) -> None:
        """Deletes push subscriptions, together with the pushes that have not been sent to them yet."""
        ...

    def add_removal(self, subscription_id: str, user_id: str, at_ms: int, limit: int) -> None:
        """Stores that the user has removed a push subscription at `at_ms` (milliseconds since 1970), and deletes all
        but the newest `limit` of the user's removals."""
        ...

    def forget_removal(self, subscription_id: str) -> None:
        """Forgets that a push subscription was removed, because its app or browser has subscribed again."""
        ...


class Pushes(Protocol):
    """The pushes that are waiting to be sent to push subscriptions."""

    def next_due_ms(self) -> int | None:
        """Returns when the next push is due, in milliseconds since 1970, which may be in the past; None if no push is
        waiting."""
        ...


class WritablePushes(Pushes, Protocol):
    """Gives nodes the pushes to send: one node at a time claims a subscription and sends its pushes. Times are in
    milliseconds since 1970."""

    def claim(
        self, node_id: str, now_ms: int, until_ms: int, limit: int, busy_services: Collection[str]
    ) -> Sequence[PushJob]:
        """Returns the pushes of at most `limit` push subscriptions that are due by `now_ms`, as one job for each
        subscription, and reserves these subscriptions for the node `node_id` until `until_ms` (milliseconds since
        1970). Skips subscriptions of the push services in `busy_services`, and deletes those whose sign-in has
        ended."""
        ...

    def release_node(self, node_id: str, now_ms: int) -> None:
        """Releases the push subscriptions that a node had reserved before it ended, so that their pushes are due at
        `now_ms`."""
        ...

    def record(self, results: Collection[PushResult], now_ms: int) -> None:
        """Stores the results of jobs that `claim` returned: which pushes were sent, dropped or have to be retried
        later."""
        ...


class OfflineQueue(Protocol):
    """The custom events and messages that wait for offline users until the users' clients have received them."""

    def position(self, user_id: str) -> int:
        """Returns up to which position of the log (the ordered record of events) the user's clients have received
        messages; 0 if none is recorded."""
        ...

    def notify_defaults(self, conversation_ids: Collection[str]) -> Mapping[str, Notify]:
        """Returns conversation id -> what its members are notified of who have chosen nothing themselves, for those of
        the conversations that have such a default."""
        ...

    def stored(self, user_id: str, after_id: int, since_ms: int, limit: int) -> Sequence[Mail]:
        """Returns the oldest `limit` custom events that are stored for the user, with an id above `after_id` and newer
        than `since_ms` (milliseconds since 1970), in the order of storing."""
        ...

    def missed(self, user_id: str, after_pos: int, since_ms: int, limit: int) -> Sequence[MissedMessage]:
        """Returns the newest `limit` messages that the user has missed after the log position `after_pos` and the time
        `since_ms` (milliseconds since 1970), oldest first.

        A message is missed if it is from another user and unread, in a conversation that the user had not muted when it
        was sent. A stream counts from its first end.
        """
        ...


class WritableOfflineQueue(OfflineQueue, Protocol):
    def keep(self, user_ids: Collection[str], event: str, payload: str, now_ms: int) -> None: ...
    def keep_newest(self, user_ids: Collection[str], kept: int) -> None: ...

    def forget(self, before_ms: int) -> None:
        """Deletes stored events that are older than `before_ms` (milliseconds since 1970): a limited number in each
        call, further ones in the next calls."""
        ...

    def confirm(self, arrivals: Collection[Arrival]) -> None:
        """Records what users' clients have received: moves each user's position in the log (the ordered record of
        events) forward, never back, and deletes the stored events that were received."""
        ...


LOST_KEPT_MS = 24 * 3_600_000
"""Milliseconds for which operators see that a node has died."""


class LeaseRecord(msgspec.Struct, frozen=True):
    """A node's lease (its record in the database that it is alive), with times in milliseconds since 1970.

    The node counts as alive until `until_ms`, and has held its lease without interruption since `since_ms`. When it
    last renewed the lease, at `renewed_ms`, it had delivered the log's events up to position `pos` to its sockets, and
    recorded `users_version` of its list of connected users. `host` is the name of its machine.
    """

    until_ms: int
    since_ms: int
    pos: int = 0
    renewed_ms: int = 0
    users_version: int = 0
    host: str | None = None


class DroppedNode(NamedTuple):
    """A node that was deleted from the table of leases, with its lease. `was_stopped`: the node shut down itself."""

    lease: LeaseRecord
    was_stopped: bool


class DeadNode(NamedTuple):
    """A node that died or was stopped. Its users count as offline from `ended_ms` on, in milliseconds since 1970."""

    node_id: str
    ended_ms: int


class NodeTable(Protocol):
    """The table of nodes (server processes) and their leases, which say until when each node counts as alive."""

    def lease(self, node_id: str) -> LeaseRecord | None:
        """Returns a node's lease and locks its row until the end of the transaction. Returns None for a node that is
        not in the table."""
        ...

    def is_alive(self, node_id: str, now_ms: int) -> bool: ...
    def put_lease(self, node: Peer, lease: LeaseRecord) -> None: ...
    def list_alive(self, now_ms: int) -> Sequence[Peer]: ...

    def versions(self) -> Mapping[str, int | None]:
        """Returns the version of each node's recorded list of connected users, of all nodes that were not declared
        dead; None for a node of an older version of Talkwire."""
        ...

    def stop(self, node_id: str, now_ms: int, users_until_ms: int) -> None:
        """Ends the lease of a node that shuts down, at `now_ms`. Its users count as online until `users_until_ms`, so
        that they can reconnect to another node. Times are in milliseconds since 1970."""
        ...

    def overdue(self, node_id: str, now_ms: int | None) -> Sequence[str]:
        """Returns the ids of all nodes except `node_id` that are over by `now_ms` (milliseconds since 1970): their
        leases have ended, and for nodes that were stopped also the time until which their users count as online. None
        returns all nodes except `node_id`."""
        ...

    def drop(self, node_id: str, overdue_ms: int | None) -> DroppedNode | None:
        """Deletes a node from the table if `overdue(…, overdue_ms)` would return it: if its lease, and for a stopped
        node also its users' grace period, has ended by `overdue_ms` (milliseconds since 1970). None deletes it in any
        case.

        Returns None if nothing was deleted, because the node is unknown or not over yet.
        """
        ...

    def put_lost(self, node_id: str, lease: LeaseRecord, now_ms: int) -> None:
        """Records for operators that a node has died with this lease, and how many users were connected to it. Deletes
        such records that are older than `LOST_KEPT_MS`. `put_lease` deletes that of a node which comes back."""
        ...

    def find_dead_node(self) -> DeadNode | None:
        """Returns a deleted node that still has users recorded as online, or None if there is none."""
        ...


class Calls(Protocol):
    """The table of audio and video calls in progress, at most one in each conversation."""

    def find(self, conversation_id: str) -> CallRecord | None: ...


class WritableCalls(Calls, Protocol):
    def claim(self, record: CallRecord) -> CallRecord | None:
        """Stores a new call, unless another one is in progress in its conversation.

        Returns the conversation's call after that: the new one or the other one. Returns None if the other call ended
        while this was checked.
        """
        ...

    def set_ringing(self, conversation_id: str, node_id: str, ringing_ids: Sequence[str]) -> None:
        """Stores the users for whom the conversation's call is still ringing, if the node `node_id` manages that
        call."""
        ...

    def drop(self, conversation_id: str, node_id: str) -> bool:
        """Deletes the call in a conversation if the node `node_id` manages it. Returns whether a call was deleted."""
        ...

    def drop_node(self, node_id: str) -> Sequence[CallRecord]:
        """Deletes all calls that the node manages, and returns them."""
        ...


class PresenceTable(Protocol):
    """The tables of presence: which users are online on which node, and the statuses and texts that users have chosen.
    Times are in milliseconds since 1970."""

    def records(self, user_ids: Collection[str]) -> Mapping[str, PresenceRecord]: ...

    def users_of_node(self, node_id: str) -> ConnectedUsers | None:
        """Returns the users who are recorded as connected to a node, and the version of this list; None if the node is
        not recorded."""
        ...

    def connected_after(self, node_id: str, after: str | None, limit: int, now_ms: int) -> Sequence[str]:
        """Returns the ids of at most `limit` users who are connected to nodes other than `node_id` that are alive at
        `now_ms`, in the order of the ids: those after the id `after`, or the first ones for None."""
        ...

    def connected_elsewhere(self, user_ids: Collection[str], node_id: str, now_ms: int) -> Mapping[str, bool]:
        """Returns which of these users are connected to a node other than `node_id` that is alive at `now_ms`: user
        id -> whether the user is away on all of these nodes."""
        ...

    def places(self, node_id: str, user_ids: Collection[str]) -> Sequence[FoundPlace]:
        """Returns to which nodes other than `node_id` these users are connected, without what the users have
        blocked."""
        ...

    def places_of_contacts(self, node_id: str, user_ids: Collection[str], members_max: int) -> FoundPlaces:
        """Returns to which nodes other than `node_id` the contacts of these users are connected, with the conversations
        that make them contacts (`contacts`) and the users whom they have blocked. Of very many, some are left out."""
        ...

    def acquaintances(self, user_id: str, other_ids: Collection[str], *, own: bool) -> Collection[str]:
        """Returns which of the users `other_ids` share a conversation with the user, without those who have blocked the
        user or whom the user has blocked."""
        ...

    def contacts(self, user_id: str, members_max: int, limit: int) -> Sequence[str]:
        """Returns the ids of at most `limit` contacts of a user, in order.

        Contacts share a direct conversation with the user, or a group of at most `members_max` members. Users who have
        blocked each other, or one the other, are not contacts.
        """
        ...


class WritablePresenceTable(PresenceTable, Protocol):
    def put_record(self, record: PresenceRecord) -> None:
        """Stores the status and the status text that a user has chosen. If the record has no `last_seen_ms`, the stored
        one is kept."""
        ...

    def put_last_seen(self, seen: Mapping[str, int | None]) -> None:
        """Stores when each of these users was last seen online by others, in milliseconds since 1970.

        None stands for a user who was invisible: others must not learn of the connection, so the stored time stays. It
        also stays for users whose stored status is invisible by now.
        """
        ...

    def lock(self) -> None:
        """Locks the table of online users against changes by other transactions, until this transaction ends."""
        ...

    def put_online(self, node_id: str, users: Collection[tuple[str, bool]], *, pos: int, version: int) -> None:
        """Records users as connected to a node, with the `version` of its list. `users` are (user id, whether all of
        the user's sockets on the node are away).

        For users who were not recorded on the node before, `pos` is recorded as the log position of their arrival.
        """
        ...

    def set_connected_since(self, node_id: str, user_ids: Collection[str], pos: int | None) -> None:
        """Records since which position of the log (the ordered record of events) these users have had a socket on the
        node without interruption; None records that they have no socket on it now."""
        ...

    def drop_online(self, node_id: str, user_ids: Collection[str]) -> None: ...

    def drop_node(self, node_id: str) -> Sequence[str]:
        """Deletes all users of a node from the table of online users, and returns their ids."""
        ...

    def drop_some_of_node(self, node_id: str, limit: int) -> Sequence[str]:
        """Deletes at most `limit` users of a node from the table of online users, and returns their ids."""
        ...


class ExpiredUploads(NamedTuple):
    """A selection of expired uploads whose bytes are to be deleted. Times are in milliseconds since 1970.

    It includes uploads that expired by `now_ms` if their bytes are in one of the file folders `folder_ids`, which this
    node can reach, or in no recorded folder; and uploads in other file folders if they expired by the earlier
    `lost_ms`.
    """

    now_ms: int
    lost_ms: int
    folder_ids: tuple[str, ...]


class Files(Protocol):
    """The tables of files and of unfinished uploads, and queries for which users may see a file because of a message
    that shows it. Deleted messages do not count."""

    def of_ids(self, file_ids: Collection[str]) -> Mapping[str, File]:
        """Returns file id -> file for those of the ids that are finished files; unfinished uploads are left out."""
        ...

    def is_attached(self, file_id: str) -> bool:
        """Returns whether any message has the file as an attachment."""
        ...

    def attached_among(self, file_ids: Collection[str]) -> Collection[str]:
        """Returns which of these file ids any message has as an attachment."""
        ...

    def pictures_among(self, urls: Collection[tuple[str, str]]) -> frozenset[str]:
        """Returns those URLs among the (user id, URL) pairs that are in use as a picture: as the profile picture of
        that user, or as the picture of any conversation."""
        ...

    def is_due(self, file_id: str, now_ms: int) -> bool:
        """Returns whether it is due by `now_ms` to check if anything still uses the file, and to delete it otherwise.

        A file becomes due when a message or picture with it was removed, or when nothing has used it for some time
        after its upload.
        """
        ...

    def stored_bytes(self, owner_id: str, expired_since_ms: int) -> int:
        """Returns how many bytes count towards a user's storage: the sizes of their files and the full lengths of their
        uploads.

        Uploads that expired after `expired_since_ms` (milliseconds since 1970) still count until their bytes are
        deleted.
        """
        ...

    def is_visible(self, file_id: str) -> bool:
        """Returns whether the file is attached to a message of a conversation that was not deleted."""
        ...

    def is_visible_to(self, file_id: str, user_id: str) -> bool:
        """Returns whether the file is attached to a message that the user may see as a member of its conversation."""
        ...

    def is_picture_for(self, urls: Collection[str], user_id: str) -> bool:
        """Returns whether one of the paths in `urls` is the picture of a conversation that is public or that the user
        is a member of."""
        ...

    def upload(self, upload_id: str) -> Upload | None: ...
    def uploads_among(self, upload_ids: Collection[str]) -> frozenset[str]: ...

    def count_uploads(self, owner_id: str, now_ms: int) -> int:
        """Returns how many unfinished uploads the user has that have not expired by `now_ms`."""
        ...

    def expired_uploads(self, which: ExpiredUploads, limit: int) -> Sequence[str]:
        """Returns the ids of at most `limit` expired uploads that are selected by `which`, without those that a node
        has claimed for deletion until a time after `which.now_ms`.

        Uploads that were never claimed come first, oldest first; then those whose claim ended without their deletion,
        the longest ago first.
        """
        ...

    def without_folder(self, after_id: str, limit: int) -> Sequence[str]:
        """Returns the ids of at most `limit` files for which no file folder is recorded, in order, after the id
        `after_id`."""
        ...


class WritableFiles(Files, Protocol):
    def due_files(self, now_ms: int, limit: int) -> Collection[str]:
        """Returns the ids of at most `limit` files that may be unused and have to be checked, the longest due first,
        and locks their rows until the end of the transaction."""
        ...

    def keep(self, file_ids: Collection[str]) -> None:
        """Marks files as used (by a message or as a picture), so that they are no longer due for deletion."""
        ...

    def claim_uploads(self, upload_ids: Collection[str], until_ms: int) -> None: ...

    def set_folder(self, file_ids: Collection[str], folder_id: str) -> None:
        """Records which file folder holds the bytes of these files. Files with a recorded folder are left unchanged."""
        ...

    def put(self, file: File, due_ms: int) -> None:
        """Stores a finished file. At `due_ms` (milliseconds since 1970) the server checks whether anything uses the
        file, and deletes it otherwise."""
        ...

    def drop(self, file_id: str) -> None: ...

    def put_upload(self, upload: Upload) -> None:
        """Stores an upload (a file whose bytes are still arriving), replacing the one with the same id."""
        ...

    def expire_upload(self, upload_id: str, now_ms: int) -> None: ...
    def drop_uploads(self, upload_ids: Collection[str]) -> None: ...


class LogBounds(NamedTuple):
    """The bounds of the log (the ordered record of events): its epoch, and its positions. Events up to `floor` were
    deleted, `head` is the newest event."""

    epoch: str
    floor: int
    head: int


class Webhooks(Protocol):
    """The table of webhooks: URLs of the application to which the server sends events."""

    def find(self, webhook_id: str) -> Webhook | None: ...

    def list_all(self) -> Sequence[Webhook]:
        """Returns all webhooks, the one that was created first at the beginning."""
        ...

    def signing(self, webhook_id: str, now_ms: int) -> WebhookSigning | None: ...

    def failing(self, webhook_id: str) -> tuple[int, int | None]:
        """Returns (number of conversations and users that have events whose delivery to this webhook waits for a retry,
        time of the first attempt at the oldest of these events in milliseconds since 1970, or None)."""
        ...

    def attempts(self, webhook_id: str) -> Sequence[WebhookAttempt]:
        """Returns the last deliveries that were attempted to a webhook, newest first."""
        ...

    def log_bounds(self) -> LogBounds: ...


class WritableWebhooks(Webhooks, Protocol):
    def add(self, webhook: Webhook, secret: str) -> None: ...

    def put(self, webhook: Webhook) -> None:
        """Replaces the stored webhook with the same id, except for its position (the log position up to which it has
        received events) and its number of `rewinds`. Does nothing if none is stored."""
        ...

    def rewind(self, webhook_id: str, pos: int) -> None:
        """Sets the position in the log (the ordered record of events) after which a webhook receives events next, and
        deletes its planned retries."""
        ...

    def rotate(self, webhook_id: str, secret: str, old_until_ms: int) -> None:
        """Stores a new secret for a webhook. Until `old_until_ms` (milliseconds since 1970), requests are also signed
        with the secret that it replaces."""
        ...

    def remove(self, webhook_id: str) -> None: ...


class Teams(Protocol):
    """The tables of teams, of their members and conversations, and of changes whose memberships are not all written
    yet."""

    def find(self, team_id: str) -> Team | None: ...

    def page(self, member_id: str | None, after_id: str | None, limit: int) -> Sequence[Team]:
        """Returns at most `limit` teams in the order of their ids, after the id `after_id` or from the first.
        `member_id` selects the teams of a user; None selects all."""
        ...

    def names(self, team_ids: Collection[str]) -> Mapping[str, str]: ...

    def serves(self, user_id: str, other_id: str) -> bool:
        """Returns whether a user is in a team with another, or handles one of the other's conversations."""
        ...

    def members_of(self, team_ids: Collection[str]) -> Mapping[str, Collection[str]]:
        """Returns team id -> the ids of its members. Teams without members are left out."""
        ...

    def oldest_change(self) -> TeamChange | None:
        """Returns what is left of the oldest change whose memberships are still being written, or None."""
        ...

    def pending_pos(self, team_id: str) -> int | None:
        """Returns the log position of the newest change of a team whose memberships are still being written, or
        None."""
        ...

    def numbers(self, team_ids: Collection[str]) -> Sequence[DeskNumbers]:
        """Counts the conversations of each of the teams that exist."""
        ...


class WritableTeams(Teams, Protocol):
    def count(self) -> int: ...

    def handled_by(self, user_id: str) -> Sequence[str]:
        """Returns the ids of the conversations that a user handles."""
        ...

    def teams_of(self, user_id: str) -> Sequence[Team]: ...

    def histories(self, conversation_ids: Collection[str]) -> Mapping[str, Mapping[str, HistoryStart]]:
        """Returns conversation id -> team id -> from where on the members of the team see the conversation."""
        ...

    def members_through_teams(self, conversation_id: str) -> set[str]:
        """Returns the ids of the users who are members of a conversation through teams, also if they are members in
        their own right too."""
        ...

    def grounds_after(self, change: TeamChange, limit: int) -> GroundsFacts:
        """Returns the facts about the users of a team's change in at most `limit` conversations of the team: the first
        ones that are left, in the order of their ids."""
        ...

    def put_change(self, change: TeamChange) -> None:
        """Stores what is left of a new change."""
        ...

    def move_change(self, change: TeamChange) -> None:
        """Stores the `after_id` of the oldest change."""
        ...

    def drop_change(self, pos: int) -> None: ...


class Invitations(Protocol):
    """The table of invitation links."""

    def find(self, invitation_id: str) -> Invitation | None: ...
    def find_by_code(self, code_hash: str) -> Invitation | None: ...

    def created_by(
        self, creator_id: str | None, conversation_id: str | None, before_id: str | None, limit: int
    ) -> Sequence[Invitation]:
        """Returns at most `limit` invitations, newest first, with ids below `before_id` if it is set. `creator_id` and
        `conversation_id` select those of one user, and those to one conversation, possibly among others; None selects
        all."""
        ...

    def only_to(self, conversation_id: str, before_id: str | None, limit: int) -> Sequence[Invitation]:
        """Returns at most `limit` invitations to this conversation and no other, newest first, with ids below
        `before_id` if it is set."""
        ...

    def for_role(self, role: AccountRole) -> Sequence[Invitation]:
        """Returns the invitations that give this role to the accounts registered with them."""
        ...


class WritableInvitations(Invitations, Protocol):
    def drop_expired(self, before_ms: int) -> None:
        """Deletes invitations that expired before `before_ms` (milliseconds since 1970)."""
        ...


class Restrictions(Protocol):
    """The table of restrictions: the users whom moderators have muted or banned in a conversation."""

    def find(self, conversation_id: str, user_id: str, kind: RestrictionKind) -> Restriction | None: ...

    def on_users(self, conversation_id: str, user_ids: Collection[str]) -> Sequence[Restriction]:
        """Returns the mutes and bans of these users in a conversation, including expired ones."""
        ...

    def of_keys(self, keys: Collection[tuple[str, str]]) -> Sequence[Restriction]:
        """Returns the mutes and bans, including expired ones, for the given (conversation id, user id) pairs."""
        ...

    def of_conversation(
        self, conversation_id: str, kind: RestrictionKind, now_ms: int, after_id: str | None, limit: int
    ) -> Sequence[Restriction]:
        """Returns at most `limit` of a conversation's mutes or bans that have not expired by `now_ms`, in the order of
        user ids, after the user id `after_id`; None starts at the first."""
        ...


class Reports(Protocol):
    """The table of messages that users have reported to the operators."""

    def find(self, report_id: str) -> MessageReport | None: ...

    def open_of(self, message_id: int, reporter_id: str) -> MessageReport | None:
        """Returns the report of a message by this user that operators have not decided yet, or None."""
        ...

    def page(self, state: ReportState | None, before_id: str | None, limit: int) -> Sequence[MessageReport]:
        """Returns at most `limit` reports of messages in the given state, or in all states for None, newest first; only
        ids below `before_id`, unless it is None."""
        ...


class AuditLog(Protocol):
    """The audit log: what operators, moderators and the application's backend did to others."""

    def page(self, wanted: ListAudit, before_id: int | None, limit: int) -> Sequence[AuditEntry]:
        """Returns at most `limit` of the audit log's entries that match the filters in `wanted`, newest first; only ids
        below `before_id`, unless it is None."""
        ...


class WritableAuditLog(AuditLog, Protocol):
    def add(self, actor: Actor, acts: Sequence[Act], now_ms: int) -> None:
        """Appends an entry to the audit log for each of these acts of the actor."""
        ...


class Unreads(Protocol):
    """Queries for members' numbers of unread messages and mentions, which are computed on each call."""

    def of(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Unread]:
        """Returns (conversation id, user id) -> unread counts. Pairs where the user is no member of the conversation
        are left out."""
        ...

    def totals(self, user_ids: Collection[str], now_ms: int) -> Mapping[str, UnreadTotal]:
        """Returns user id -> the unread counts of all conversations of the user together, for each of the users.
        `now_ms` (milliseconds since 1970) decides which mutes have ended."""
        ...

    def mentioned_after(self, positions: Mapping[str, int], user_id: str) -> Collection[str]:
        """Returns the ids of those conversations in which somebody whom the user has not blocked has mentioned the
        user, or everyone, in a message after a given one. `positions` maps conversation ids to the number (`seq`) of
        the given message."""
        ...


class LogWindow(NamedTuple):
    """Events that a search in the log found, and the log position `reached` up to which the log was searched."""

    events: Sequence[Durable]
    reached: int


class SyncLog(Protocol):
    """Queries on the log (the ordered record of committed events): the events that concern one user, and all events."""

    def events_of(self, user_id: str, after_pos: int, limit: int) -> Sequence[tuple[Durable, HistoryStart]]:
        """Returns at most `limit` events after a position of the log (the ordered record of events) that concern the
        user, in order. Each comes with the point from which the user now sees the event's conversation.

        From conversations that the user has left, only the event that ended the membership is included.
        """
        ...

    def with_covered_messages(self, events: Sequence[Durable]) -> Sequence[Durable]:
        """Returns the same events, with the field `covered` filled in for `MessagesRead` and `MessagesDelivered`: the
        messages that were read or delivered.

        The log does not store these messages. Some client protocols need them to notify the messages' authors.
        """
        ...

    def count_events_of(self, user_id: str, after_pos: int, limit: int) -> int:
        """Returns how many events `events_of` would return with the same arguments."""
        ...

    def profile_changes_of_contacts(
        self, user_id: str, members_max: int, after_pos: int, limit: int
    ) -> Sequence[Durable]:
        """Returns the first `limit` events after the log position `after_pos` by which a contact of the user changed
        their profile or was erased. Contacts share a direct conversation with the user, or a group of at most
        `members_max` members, and neither has blocked the other."""
        ...

    def floor(self) -> int:
        """Returns the position up to which events were deleted from the log (the ordered record of events) because of
        their age."""
        ...

    def log_window(self, wanted: LogFilter, after_pos: int, until_pos: int, limit: int) -> LogWindow:
        """Searches the log after `after_pos` up to `until_pos` for the first `limit` events that the filter `wanted`
        selects.

        The events are returned with the current state of messages, and `UserRenamed` as `UserUpdated` with the user's
        current state. Events that this version of the server cannot read are left out.
        """
        ...


class Sessions(Protocol):
    """The table for recoverable sessions: what the server stores so that a client can resume after its connection
    broke. The key is the id of the session's socket. Times are in milliseconds since 1970."""

    def find(self, socket_id: str, node_id: str, now_ms: int) -> StoredSession: ...


class WritableSessions(Sessions, Protocol):
    def ensure_secret(self, name: str, value: str) -> str:
        """Returns the server's stored secret with this name; if there is none, stores `value` and returns it."""
        ...

    def put(self, socket_id: str, node_id: str, ended_ms: int | None, now_ms: int) -> None:
        """Records that the session of a socket now continues on the node `node_id`; or, if `ended_ms` is set, that the
        session was ended on purpose at that time and must not be resumed."""
        ...

    def put_room(self, socket_id: str, conversation_id: str, opened: bool | None, now_ms: int) -> None:  # noqa: FBT001
        """Stores whether a session's socket has opened (True) or closed (False) a conversation explicitly; None deletes
        the entry, so that the default of the client's protocol applies."""
        ...

    def end_all_of_node(self, node_id: str, ended_ms: int) -> None: ...

    def refresh(self, socket_ids: Collection[str], now_ms: int) -> None:
        """Marks these sessions as needed at `now_ms`, so that `prune` keeps them."""
        ...

    def prune(self, before_ms: int) -> None:
        """Deletes sessions that were last marked as needed before `before_ms` (milliseconds since 1970)."""
        ...

"""Cursors are whole: who goes on from the last cursor, by `sync` or in the event stream, has each event that is theirs
once, and no other.

What is whose follows from the log's own rows: the events of conversations while one is a member, and one's own. Of a
membership that has ended only its end is certain: `sync` leaves the rest out for users that are not members when they
ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from rigs.torture.checks.violation import Findings
from rigs.torture.history import About, History, Resumer
from rigs.torture.tables import MESSAGE_ID_BASE, LogRow, Tables

WHOLE = "cursors are whole"

SYNC_NAMES: Mapping[str, str] = {
    "UserUpdated": "user:updated",
    "UserErased": "user:updated",
    "UserBlocked": "user:blocked",
    "UserUnblocked": "user:unblocked",
    "ConversationCreated": "conversation:new",
    "ConversationUpdated": "conversation:updated",
    "ConversationDeleted": "conversation:deleted",
    "ConversationPreferred": "conversation:preferences",
    "MemberAdded": "member:added",
    "MemberRemoved": "member:removed",
    "MemberUpdated": "member:updated",
    "MembershipGroundsChanged": "member:updated",
    "MembersListed": "conversation:listed",
    "ConversationHandled": "conversation:handling",
    "DeskConversationChanged": "desk:conversation",
    "TeamUpdated": "team:updated",
    "TeamSettled": "team:settled",
    "MemberRestricted": "member:restricted",
    "MemberUnrestricted": "member:unrestricted",
    "MessagesRead": "message:read:receipt",
    "MessagesDelivered": "message:delivered:receipt",
    "ReadPositionMoved": "conversation:unread",
    "ThreadMarked": "thread:marked",
    "MessageSent": "message:new",
    "MessageEdited": "message:updated",
    "MessageMetadataChanged": "message:updated",
    "StreamStateChanged": "message:updated",
    "LinkPreviewsChanged": "message:updated",
    "ThreadUpdated": "thread:updated",
    "TurnFailed": "turn:failed",
    "TurnReady": "turn:ready",
    "TurnUnanswered": "turn:unanswered",
    "MessageDeleted": "message:deleted",
    "MessageReacted": "message:reaction",
    "MessageRated": "message:rated",
    "CardActed": "card:acted",
    "CardDecided": "card:decided",
    "MessagePinned": "message:pinned",
    "MessageUnpinned": "message:unpinned",
    "SavedChanged": "saved:changed",
    "OfferCreated": "offer:new",
    "OfferUpdated": "offer:updated",
    "PreferencesChanged": "preferences:updated",
    "NotificationsRead": "notification:read",
    "CallRecorded": "call:recorded",
}
"""The log's events that `sync` sends to messenger clients, by the names that it sends them under."""


REPLICA_NAMES: Mapping[str, str] = {"MessageSent": "message:new", "MessageDeleted": "message:deleted"}
"""The log's events that the replicas of the back end select."""


def check_cursors(history: History, tables: Tables, findings: Findings) -> None:
    for resumer in history.resumers:
        findings.count("resumers")
        theirs, uncertain = events_of(resumer.user, tables)
        seen = {(synced.pos, synced.name) for synced in resumer.synced}
        named = [(row.pos, SYNC_NAMES[row.type]) for row in theirs]
        _check(resumer, [each for each in named if each[0] not in uncertain or each in seen], tables, findings)
        findings.count("events synced", len(resumer.synced))
    selected = [(row.pos, REPLICA_NAMES[row.type]) for row in tables.log if row.type in REPLICA_NAMES]
    for replica in history.replicas:
        replica.last_pos = tables.head  # they read to the end
        findings.count("replicas of the back end")
        findings.count("events streamed", len(replica.synced))
        _check(replica, selected, tables, findings)


def _check(resumer: Resumer, theirs: Sequence[tuple[int, str]], tables: Tables, findings: Findings) -> None:
    """Checks that a client has received its events, given as positions and names, up to its last cursor."""
    for refusal in resumer.refusals:
        findings.add(WHOLE, f"{resumer.client} ({resumer.user}): {refusal}")
    found = [(synced.pos, synced.name) for synced in resumer.synced]
    expected = [each for each in theirs if resumer.first_pos < each[0] <= resumer.last_pos]
    if found == expected:
        return
    seen = set(found)
    missing = sorted(set(expected) - seen)
    extra = sorted(set(found) - set(expected))
    twice = sorted(each for each, times in Counter(found).items() if times > 1)
    what = [
        f"{name} {each[:10]}" for name, each in (("left out", missing), ("not theirs", extra), ("twice", twice)) if each
    ]
    says = f"{resumer.client} ({resumer.user}) from {resumer.first_pos} to {resumer.last_pos}: "
    says += "; ".join(what) or "in another order than the log's"
    positions = {pos for pos, _ in [*missing, *extra, *twice]}
    ids = {row.message_id for row in tables.log if row.pos in positions and row.message_id is not None}
    findings.add(WHOLE, says, About(messages=frozenset(ids)))


def events_of(user: str, tables: Tables) -> tuple[Sequence[LogRow], AbstractSet[int]]:
    """Returns a user's rows of the log, and the positions of rows in memberships that have ended since."""
    inside: dict[str, list[int]] = {}
    found = []
    uncertain: set[int] = set()
    for row in tables.log:
        conversation = conversation_of(row, tables)
        if conversation is not None and row.type in {"ConversationCreated", "MemberAdded"}:
            members = {str(member["user_id"]) for member in row.data["members"]}
            if user in members:
                inside.setdefault(conversation, [])
        if row.type in SYNC_NAMES and (row.user == user if conversation is None else conversation in inside):
            found.append(row)
        if conversation is None or conversation not in inside:
            continue
        if row.type == "MemberRemoved" and row.data["user_id"] == user:
            uncertain.update(inside.pop(conversation))
        else:
            inside[conversation].append(row.pos)
    return found, uncertain


def conversation_of(row: LogRow, tables: Tables) -> str | None:
    """Returns the conversation of a row. A message's row names only the message."""
    if row.conversation is not None:
        return row.conversation
    id_ = MESSAGE_ID_BASE + row.pos if row.type == "MessageSent" else row.message_id
    message = None if id_ is None else tables.messages.get(id_)
    return None if message is None else message.conversation

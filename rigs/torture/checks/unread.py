"""Unread counts as they are answered are what counting message by message gives."""

from __future__ import annotations

from collections.abc import Mapping

from rigs.torture.checks.violation import Findings
from rigs.torture.tables import Tables

UNREAD = "unread counts are what counting gives"

Answered = Mapping[tuple[str, str], int]
"""(conversation, user) -> how much is unread"""


def check_unread(answered_by: Mapping[str, Answered], tables: Tables, findings: Findings) -> None:
    """Checks the nodes' unread counts. `answered_by` has each node's answers."""
    counted = counts(tables)
    for node, answered in answered_by.items():
        findings.count("unread counts", len(answered))
        for key in sorted(set(counted) | set(answered)):
            if counted.get(key) != answered.get(key):
                conversation, user = key
                read_seq = tables.members[key].read_seq if key in tables.members else None
                says = f"{node} says {user} has {answered.get(key)} unread in {conversation},"
                says += f" counted are {counted.get(key)}"
                findings.add(UNREAD, says, shows=(f"{user} has read up to seq {read_seq}",))


def counts(tables: Tables) -> dict[tuple[str, str], int]:
    """Messages of others behind one's read position that are not deleted."""
    found = dict.fromkeys(tables.members, 0)
    by_conversation: dict[str, list[str]] = {}
    for conversation, user in tables.members:
        by_conversation.setdefault(conversation, []).append(user)
    for message in tables.messages.values():
        if message.deleted:
            continue
        for user in by_conversation.get(message.conversation, ()):
            if user != message.sender and message.seq > tables.members[message.conversation, user].read_seq:
                found[message.conversation, user] += 1
    return found

"""The log and the numbers of messages: dense, and in one order."""

from __future__ import annotations

from rigs.torture.checks.violation import Findings
from rigs.torture.history import About
from rigs.torture.tables import MESSAGE_ID_BASE, Tables

DENSE_LOG = "log positions are dense, and the head is the last"
DENSE_SEQ = "seq is dense in each conversation, in the order of the log"


def check_log(tables: Tables, findings: Findings) -> None:
    positions = [row.pos for row in tables.log]
    findings.count("log positions", len(positions))
    expected = list(range(tables.floor + 1, tables.head + 1))
    if positions != expected:
        missing, extra = sorted(set(expected) - set(positions)), sorted(set(positions) - set(expected))
        says = f"head {tables.head}, floor {tables.floor}; missing {missing[:20]}, beyond the head {extra[:20]}"
        findings.add(DENSE_LOG, says, About(messages=frozenset(MESSAGE_ID_BASE + pos for pos in missing + extra)))
    _check_sent(tables, findings)
    _check_seq(tables, findings)


def _check_sent(tables: Tables, findings: Findings) -> None:
    """Checks that every message has one MessageSent event, at the position in its id."""
    sent = {MESSAGE_ID_BASE + row.pos for row in tables.log if row.type == "MessageSent"}
    for id_ in sorted(sent ^ set(tables.messages)):
        where = "the log, but not among the messages" if id_ in sent else "among the messages, but not in the log"
        findings.add(DENSE_LOG, f"message {id_} is in {where}", About(messages=frozenset({id_})))


def _check_seq(tables: Tables, findings: Findings) -> None:
    by_conversation: dict[str, list[tuple[int, int]]] = {}
    for message in sorted(tables.messages.values(), key=lambda each: each.id):
        by_conversation.setdefault(message.conversation, []).append((message.seq, message.id))
    for conversation, last_seq in sorted(tables.last_seqs.items()):
        found = by_conversation.get(conversation, [])
        findings.count("messages numbered", len(found))
        for expected, (seq, id_) in enumerate(found, 1):
            if seq != expected:
                says = f"conversation {conversation}: message {id_} has seq {seq} where {expected} comes next"
                findings.add(DENSE_SEQ, says, About(messages=frozenset({id_})))
                break
        if len(found) != last_seq:
            findings.add(DENSE_SEQ, f"conversation {conversation} has {len(found)} messages and says {last_seq}")

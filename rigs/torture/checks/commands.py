"""What was acknowledged happened, and once."""

from __future__ import annotations

from collections.abc import Callable

from rigs.torture.checks.violation import Findings
from rigs.torture.history import About, Command, History
from rigs.torture.tables import Tables

NOT_LOST = "no acknowledged command is lost"
ONCE = "no command is carried out twice"
ANSWERED = "every command is answered once the faults are over"
ALLOWED = "nothing is refused that is allowed"

DELETED_CODES = frozenset({"not_found", "conflict", "invalid_request"})
"""What a command about a message may be refused with that has been deleted."""


def check_commands(history: History, tables: Tables, moving: frozenset[str], findings: Findings) -> None:
    """Checks all commands against the tables. `moving` are conversations whose members change."""
    by_key: dict[tuple[str, str, str], list[int]] = {}
    for message in tables.messages.values():
        if message.key is not None:
            by_key.setdefault((message.conversation, message.sender, message.key), []).append(message.id)
    deleted = {command.message_id: command for command in history.commands if command.kind == "delete"}
    for command in history.commands:
        findings.count(f"commands: {command.kind}")
        _check_answer(command, moving, deleted, findings)
        if command.kind == "send":
            _check_send(command, by_key, tables, findings)
    for key, ids in by_key.items():
        if len(ids) > 1:
            findings.add(
                ONCE, f"the clientMessageId {key} stands for the messages {ids}", About(messages=frozenset(ids))
            )
    _check_edits(history, tables, findings)
    _check_others(history, tables, moving, findings)


def _about(command: Command) -> About:
    ids = {tried.message_id for tried in command.tries} | {command.message_id}
    return About(
        commands=frozenset({command.number}),
        messages=frozenset(id_ for id_ in ids if id_ is not None),
        since=command.began,
        until=max((tried.until or tried.at for tried in command.tries), default=command.began),
    )


def _check_answer(
    command: Command, moving: frozenset[str], deleted: dict[int | None, Command], findings: Findings
) -> None:
    if not command.settled:
        findings.add(ANSWERED, f"command {command.number} was never answered", _about(command))
    for tried in command.tries:
        if tried.outcome != "refused":
            continue
        if tried.says == "forbidden" and command.conversation in moving:
            continue
        about_deleted = command.message_id in deleted and command.kind in {"react", "unreact", "read", "edit"}
        if about_deleted and tried.says in DELETED_CODES:
            continue
        # An earlier attempt without an answer has deleted the message.
        if command.kind == "delete" and tried is not command.tries[0] and tried.says in DELETED_CODES:
            continue
        findings.add(ALLOWED, f"command {command.number} was refused: {tried.says}", _about(command))


def _check_send(
    command: Command, by_key: dict[tuple[str, str, str], list[int]], tables: Tables, findings: Findings
) -> None:
    assert command.key is not None
    ids = by_key.get((command.conversation, command.user, command.key), [])
    acked = [tried for tried in command.tries if tried.outcome == "acked"]
    if acked and not ids:
        findings.add(
            NOT_LOST, f"command {command.number} was acknowledged, and there is no such message", _about(command)
        )
        return
    for tried in acked:
        if tried.message_id is not None and tried.message_id not in ids:
            says = f"command {command.number} was answered with message {tried.message_id}, stored is {ids}"
            findings.add(NOT_LOST, says, _about(command))
    if not ids:
        return
    if command.message_id is None:
        command.message_id = ids[0]
    message = tables.messages[ids[0]]
    first = tables.versions.get(message.id, [message.content])[0]
    if not message.deleted and first != command.content:
        findings.add(
            NOT_LOST, f"command {command.number} has {command.content!r}, stored is {first!r}", _about(command)
        )


def _check_edits(history: History, tables: Tables, findings: Findings) -> None:
    """Checks that an acknowledged edit is one of the message's versions, and that the last edit is its current text."""
    by_message: dict[int, list[Command]] = {}
    for command in history.commands:
        if command.kind == "edit" and command.message_id is not None:
            by_message.setdefault(command.message_id, []).append(command)
    for id_, edits in by_message.items():
        message = tables.messages.get(id_)
        if message is None or message.deleted:
            continue
        versions = [*tables.versions.get(id_, []), message.content]
        for command in edits:
            if command.acked is not None and command.content not in versions:
                says = f"the edit {command.content!r} was acknowledged, the message's versions are {versions}"
                findings.add(NOT_LOST, says, _about(command))
        # An attempt without an answer may have been executed later.
        if all(tried.outcome == "acked" for command in edits for tried in command.tries):
            last = max(edits, key=lambda each: each.began)
            if message.content != last.content:
                says = f"message {id_} says {message.content!r}, its last edit was {last.content!r}"
                findings.add(NOT_LOST, says, _about(last))


def _check_others(history: History, tables: Tables, moving: frozenset[str], findings: Findings) -> None:
    """Deletes, reactions, reads and memberships: the tables are as the last acknowledged command left them."""
    taken_back = {(c.message_id, c.content, c.user) for c in history.commands if c.kind == "unreact" and c.tries}
    is_so: dict[str, Callable[[Command], bool]] = {
        "delete": lambda c: _is_deleted(c, tables),
        "react": lambda c: (
            _has_reaction(c, tables) or (c.message_id, c.content, c.user) in taken_back or _is_deleted(c, tables)
        ),
        # A member who rejoins a conversation starts again there.
        "read": lambda c: c.conversation in moving or _has_read(c, tables),
    }
    for command in history.commands:
        if command.acked is not None and command.kind in is_so and not is_so[command.kind](command):
            says = f"command {command.number}, {command.kind} {command.content}, was acknowledged, and it is not so"
            findings.add(NOT_LOST, says, _about(command))
    _check_memberships(history, tables, findings)


def _has_reaction(command: Command, tables: Tables) -> bool:
    return (command.message_id, command.content, command.user) in tables.reactions


def _is_deleted(command: Command, tables: Tables) -> bool:
    message = tables.messages.get(command.message_id or 0)
    return message is not None and message.deleted


def _has_read(command: Command, tables: Tables) -> bool:
    member = tables.members.get((command.conversation, command.user))
    message = tables.messages.get(command.message_id or 0)
    return member is not None and message is not None and member.read_seq >= message.seq


def _check_memberships(history: History, tables: Tables, findings: Findings) -> None:
    last: dict[tuple[str, str], Command] = {}
    unsure = set()
    for command in history.commands:
        if command.kind in {"add", "remove"}:
            last[command.conversation, command.content] = command
            if any(tried.outcome == "unknown" for tried in command.tries):
                # That attempt may have been executed later than those after it.
                unsure.add((command.conversation, command.content))
    for key, command in last.items():
        if key in unsure or command.acked is None:
            continue
        findings.count("memberships")
        if (key in tables.members) is not (command.kind == "add"):
            findings.add(NOT_LOST, f"{command.kind} of {key} was acknowledged, and it is not so", _about(command))

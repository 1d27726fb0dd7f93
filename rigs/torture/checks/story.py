"""A small history that is as it should be, for the tests of the checks to spoil."""

from __future__ import annotations

from dataclasses import replace

from rigs.torture.checks.streams import Ends
from rigs.torture.checks.violation import Findings
from rigs.torture.history import (
    Command,
    Connect,
    History,
    Kind,
    Outcome,
    Received,
    Resumer,
    Stream,
    Synced,
    Try,
    Window,
)
from rigs.torture.tables import MESSAGE_ID_BASE, LogRow, MemberRow, MessageRow, Tables

TALK = "101"
ALICE, BOB = "alice", "bob"
STABLE = frozenset({TALK})


class Story:
    """A made-up history in which every client receives everything. `streams` are the sockets; `resumer` resumes by
    sync.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.history = History(lambda: self.now)
        self.tables = Tables(epoch="e")
        self.ends = Ends({}, {})
        self.streams = [self._stream(ALICE, "messenger", recoverable=True), self._stream(BOB, "crm", recoverable=False)]
        self.resumer = Resumer("resumer", BOB)
        self.history.resumers.append(self.resumer)
        self.tables.last_seqs[TALK] = 0
        members = [{"user_id": ALICE}, {"user_id": BOB}]
        for user in (ALICE, BOB):
            self.tables.members[TALK, user] = MemberRow()
        self._log("ConversationCreated", None, {"members": members})
        self.resumer.first_pos = self.tables.head

    @property
    def alice(self) -> Stream:
        return self.streams[0]

    @property
    def bob(self) -> Stream:
        return self.streams[1]

    def send(self, user: str, *, notified: bool = True) -> Command:
        """Adds a message that is sent and acknowledged and, if `notified`, received by all."""
        command = self._command(user, "send", content=f"text {self.tables.head + 1}", key=f"key {self.tables.head + 1}")
        id_ = MESSAGE_ID_BASE + self.tables.head + 1
        seq = self.tables.last_seqs[TALK] = self.tables.last_seqs[TALK] + 1
        self.tables.messages[id_] = MessageRow(id_, TALK, seq, user, command.content, command.key)
        pos = self._log("MessageSent", None, {})
        command.message_id = command.tries[0].message_id = id_
        self.ends.markers[TALK] = id_
        if notified:
            self._tell(
                Received(self.now, "message", "sent", TALK, id_, (), command.content, seq, pos, 0), "message:new"
            )
        return command

    def edit(self, user: str, id_: int) -> Command:
        command = self._command(user, "edit", content=f"edit {self.tables.head + 1}", message_id=id_)
        message = self.tables.messages[id_]
        self.tables.versions.setdefault(id_, []).append(message.content)
        self.tables.messages[id_] = replace(message, content=command.content)
        pos = self._log("MessageEdited", id_, {})
        self._tell(Received(self.now, "edit", "edited", TALK, id_, (), command.content, None, pos), "message:updated")
        return command

    def delete(self, user: str, id_: int) -> Command:
        command = self._command(user, "delete", message_id=id_)
        self.tables.messages[id_] = replace(self.tables.messages[id_], content="", deleted=True)
        pos = self._log("MessageDeleted", id_, {})
        self._tell(Received(self.now, "delete", "deleted", TALK, id_, (), None, None, pos), "message:deleted")
        return command

    def react(self, user: str, id_: int) -> Command:
        command = self._command(user, "react", content="👍", message_id=id_)
        self.tables.reactions.add((id_, "👍", user))
        pos = self._log("MessageReacted", id_, {"user_id": user, "emoji": "👍", "added": True})
        about = (user, "👍", True)
        self._tell(Received(self.now, "react", "reacted", TALK, id_, about, None, None, pos), "message:reaction")
        return command

    def reconnect(self, stream: Stream, *, recovered: bool) -> None:
        self.now += 1
        stream.connects[-1].until = self.now
        stream.connects.append(Connect(self.now, recovered, "socket"))

    def _command(self, user: str, kind: Kind, **further: object) -> Command:
        self.now += 1
        command = self.history.command(user, user, kind, TALK, **further)
        command.tries.append(answered(self.now, "acked"))
        return command

    def _log(self, type_: str, message_id: int | None, data: dict[str, object], user: str | None = None) -> int:
        """Adds a row about the conversation or, with `user`, one for that user alone."""
        self.tables.head += 1
        conversation = TALK if user is None else None
        self.tables.log.append(LogRow(self.tables.head, type_, conversation, message_id, user, data))
        return self.tables.head

    def _stream(self, user: str, dialect: str, *, recoverable: bool) -> Stream:
        stream = self.history.stream(f"{user}'s", user, dialect, recoverable=recoverable)
        stream.connects.append(Connect(self.now, recovered=False, socket_id="socket"))
        stream.windows.append(Window(TALK, self.now))
        return stream

    def _tell(self, received: Received, name: str) -> None:
        for stream in self.streams:
            own = replace(received) if stream.recoverable else replace(received, pos=None, counter=None, seq=None)
            stream.received.append(own)
        data: dict[str, object] = {"content": received.content}
        if received.kind == "reacted":
            user, emoji, _ = received.about
            data = {"userId": user, "emoji": emoji, "action": "added"}
        assert received.pos is not None
        self.resumer.synced.append(Synced(self.now, received.pos, name, received.message_id, payload=data))
        self.resumer.last_pos = received.pos


def answered(at: float, outcome: Outcome, says: str = "") -> Try:
    return Try(at, at + 0.1, outcome, says)


def good_story() -> Story:
    """Ten messages, of which one is edited, one deleted, one reacted to."""
    story = Story()
    sent = [story.send(ALICE if number % 2 else BOB) for number in range(10)]
    ids = [command.message_id or 0 for command in sent]
    story.edit(BOB, ids[0])
    story.react(BOB, ids[1])
    story.delete(BOB, ids[2])
    story.send(ALICE)
    return story


def broken(findings: Findings) -> list[str]:
    """Which properties were found to be broken."""
    return [violation.broken for violation in findings.violations]

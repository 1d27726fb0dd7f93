"""Compares what people asked, and what the replicas got acknowledged, with what is stored in the end."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.place import Place
from rigs.torture.turns.journal import ENDED, Journal
from rigs.torture.turns.people import Chain, Mention
from rigs.torture.turns.work import AGENT, DEPTH, PAIR, PAIR_CONVERSATION, attempts_in, pieces_of
from talkwire.core.domain.log.positions import pos_of


class StoredMessage(NamedTuple):
    """A message of an agent, or a service message. `metadata` and `extra` are decoded."""

    id: int
    conversation_id: str
    sender_id: str
    content: str
    metadata: Mapping[str, Any]
    extra: Mapping[str, Any]
    is_deleted: bool

    @property
    def state(self) -> str | None:
        state: str | None = self.extra.get("state")
        return state

    @property
    def turn_id(self) -> int | None:
        turn_id: int | None = self.extra.get("cause", {}).get("turn_id")
        return turn_id

    @property
    def root_id(self) -> int:
        """The message with which its chain began, 0 if it is in none."""
        return int(self.extra.get("cause", {}).get("root_id", 0))

    @property
    def depth(self) -> int:
        return int(self.extra.get("cause", {}).get("depth", 0))

    @property
    def answers(self) -> Sequence[str]:
        """The ids of the messages that it answers, as its author says."""
        answers: Sequence[str] = self.metadata.get("answers", ())
        return answers

    @property
    def is_service(self) -> bool:
        return bool(self.extra.get("system"))

    @property
    def is_answer(self) -> bool:
        """Whether it is whole and visible, and asks for nothing."""
        return not self.is_deleted and self.state in {None, "done"} and "card" not in self.extra


@dataclass(frozen=True)
class TurnStory:
    """Everything after all turns have ended. `messages_of` has the ids of the messages that each turn answers,
    `stopped` the root of each turn that has failed for its depth, and `unread` the messages that the agent was asked by
    and has not read."""

    mentions: Sequence[Mention]
    chains: Sequence[Chain]
    journal: Journal
    lines: Sequence[Json]
    messages: Mapping[int, StoredMessage]
    messages_of: Mapping[int, Sequence[int]]
    stopped: Sequence[int]
    unread: Sequence[int] = ()
    counts: Counter[str] = field(default_factory=Counter)

    def answers_of(self, turn_id: int) -> list[StoredMessage]:
        return [each for each in self.messages.values() if each.turn_id == turn_id and each.is_answer]


def story_of(
    place: Place, mentions: Sequence[Mention], chains: Sequence[Chain], journal: Journal, lines: Sequence[Json]
) -> TurnStory:
    """Reads what is stored."""
    columns = "id, conversation_id, sender_id, content, metadata, extra, deleted_ms"
    found = place.query(
        f"SELECT {columns} FROM messages WHERE sender_id IN ('{AGENT}', '{PAIR[0]}', '{PAIR[1]}')"  # noqa: S608
    )
    messages = {}
    for id_, conversation_id, sender_id, content, metadata, extra, deleted_ms in found:
        decoded = json.loads(metadata or "{}"), json.loads(extra or "{}")
        messages[id_] = StoredMessage(id_, conversation_id, sender_id, content, *decoded, deleted_ms is not None)
    messages_of = defaultdict(list)
    for turn_id, message_id in place.query("SELECT turn_id, message_id FROM turn_messages"):
        messages_of[turn_id].append(message_id)
    stopped = [root_id for (root_id,) in place.query("SELECT root_id FROM turns WHERE error_code = 'depth'")]
    unread = place.query(
        f"""SELECT messages.id FROM messages
        JOIN turn_messages ON turn_messages.message_id = messages.id
        JOIN members ON members.conversation_id = messages.conversation_id AND members.user_id = '{AGENT}'
        WHERE messages.seq > members.read_seq"""  # noqa: S608
    )
    unread_ids = [id_ for (id_,) in unread]
    return TurnStory(mentions, chains, journal, lines, messages, messages_of, stopped, unread_ids)


def violations_of(story: TurnStory) -> list[str]:
    """Returns what should not be, as sentences."""
    return [
        *_of_turns(story),
        *_of_mentions(story),
        *_of_messages(story),
        *_of_acknowledgements(story),
        *_of_chains(story),
    ]


def _of_turns(story: TurnStory) -> Iterator[str]:
    """All turns are done, except those at the ends of chains, and the agent has read their messages."""
    for turn_id, row in story.journal.last().items():
        if row.state not in ENDED or (row.state == "failed" and row.conversation_id != PAIR_CONVERSATION):
            yield f"turn {turn_id} is {row.state} after {row.attempt} attempts"
    for message_id in story.unread:
        yield f"the agent has not read message {message_id}"


def _of_mentions(story: TurnStory) -> Iterator[str]:
    """Each message belongs to one turn. It has one answer, if it or another message of its turn wants one."""
    turns_of = defaultdict(list)
    for turn_id, message_ids in story.messages_of.items():
        for message_id in message_ids:
            turns_of[message_id].append(turn_id)
    wishes = {int(mention.message_id): mention.wish for mention in story.mentions}
    claiming = Counter(answered for each in story.messages.values() if each.is_answer for answered in each.answers)
    for mention in story.mentions:
        turn_ids = turns_of[int(mention.message_id)]
        if len(turn_ids) != 1:
            yield f"message {mention.message_id} belongs to the turns {turn_ids}"
            continue
        answers = [each.id for each in story.answers_of(turn_ids[0])]
        wanted = any(wishes.get(each, "answer") != "nothing" for each in story.messages_of[turn_ids[0]])
        if len(answers) != wanted:
            yield f"message {mention.message_id} of turn {turn_ids[0]} has {len(answers)} answers: {answers}"
        if claiming[mention.message_id] != wanted:
            yield f"message {mention.message_id} is answered by {claiming[mention.message_id]} messages, as they say"
        story.counts[mention.wish] += 1


def _of_messages(story: TurnStory) -> Iterator[str]:
    """No stream is open, each message was stored while its attempt had the turn, and a streamed text is that of its
    attempts."""
    asked: Counter[int] = Counter()
    for message in story.messages.values():
        if message.state in {"streaming", "interrupted"} and not message.is_deleted:
            yield f"message {message.id} of turn {message.turn_id} is {message.state}"
        if message.is_service or message.turn_id is None:
            continue
        kind = "asked" if "card" in message.extra else "more" if "more" in message.metadata else "sent"
        story.counts["deleted" if message.is_deleted else message.state or kind] += 1
        if "attempt" in message.metadata:  # what was deleted has none
            attempts = story.journal.working_attempts_at(message.turn_id, pos_of(message.id))
            if message.metadata["attempt"] not in attempts:
                yield (
                    f"message {message.id} of attempt {message.metadata['attempt']} was stored while turn "
                    f"{message.turn_id} was worked on by {sorted(attempts) or 'nobody'}"
                )
        asked[message.turn_id] += "card" in message.extra
        if message.state == "done":
            yield from _of_text(story, message)
    for turn_id, number in asked.items():
        if number > 1:
            yield f"turn {turn_id} has asked {number} cards"


def _of_text(story: TurnStory, message: StoredMessage) -> Iterator[str]:
    assert message.turn_id is not None, "it was written in a turn"
    attempts = attempts_in(message.content)
    story.counts["continued streams"] += len(set(attempts)) > 1
    if attempts != sorted(attempts):
        yield f"message {message.id} has the attempts {attempts} one after the other"
    last = story.journal.last()[message.turn_id].attempt
    if not message.content.endswith("".join(pieces_of(str(message.turn_id), last))):
        yield f"message {message.id} does not end with all of attempt {last}: {message.content!r}"


# --- what the replicas got acknowledged -------------------------------------------------------------------------------

_STORED_AS: Mapping[str, Sequence[str]] = {
    "claimed": ("working",),
    "answered": ("done",),
    "asked": ("waiting",),
    "finished": ("done",),
    "done": ("done",),
    "fail": ("waiting",),
    "release": ("waiting",),
}


def _of_acknowledgements(story: TurnStory) -> Iterator[str]:
    claims = Counter((line["turn"], line["attempt"]) for line in story.lines if line["did"] == "claimed")
    for (turn_id, attempt), number in claims.items():
        if number > 1:
            yield f"attempt {attempt} of turn {turn_id} was given to {number} processes"
    for line in story.lines:
        did, turn_id, attempt = line["did"], int(line["turn"]), line["attempt"]
        story.counts[f"{did} (acknowledged)"] += 1
        if did == "wrong":
            yield line["text"]
        if did == "refused" and (line["error"].get("details") or {}).get("reason") not in {"superseded", "ended"}:
            yield f"attempt {attempt} of turn {turn_id} was refused: {line['error']}"
        states = _STORED_AS.get(did)
        if states is not None and not story.journal.has(turn_id, attempt, *states):
            yield f"attempt {attempt} of turn {turn_id} has {did}, and no such turn was {' or '.join(states)}"
        if did in {"answered", "finished", "asked"}:
            yield from _of_acknowledged_message(story, line)


def _of_acknowledged_message(story: TurnStory, line: Json) -> Iterator[str]:
    message = story.messages.get(int(line["messageId"]))
    is_there = message is not None and not message.is_deleted and str(message.turn_id) == line["turn"]
    if message is None or not is_there:
        yield f"message {line['messageId']} of turn {line['turn']} was acknowledged, and is not there"
    elif line["did"] == "asked":
        card = message.extra.get("card", {})
        if card.get("state", "open") == "open":
            yield f"the card of message {message.id} is still open"
    elif not message.is_answer:
        yield f"message {message.id} of turn {line['turn']} was acknowledged as an answer, and is {message.state}"


# --- chains -----------------------------------------------------------------------------------------------------------


def _of_chains(story: TurnStory) -> Iterator[str]:
    """Two agents that mention each other answer once in each turn and stop at the depth, and one service message says
    so."""
    stopped = Counter(story.stopped)
    for turn_id, row in story.journal.last().items():
        last = [each.id for each in story.answers_of(turn_id) if "more" not in each.metadata]
        if row.conversation_id == PAIR_CONVERSATION and row.state == "done" and len(last) != 1:
            yield f"turn {turn_id} of the pair has {len(last)} answers: {last}"
    for number, chain in enumerate(story.chains):
        root_id = int(chain.root_id)
        next_id = int(story.chains[number + 1].root_id) if number + 1 < len(story.chains) else None
        of_pair = [each for each in story.messages.values() if each.conversation_id == PAIR_CONVERSATION]
        notices = [each.id for each in of_pair if each.is_service and root_id < each.id < (next_id or each.id + 1)]
        if len(notices) != 1:
            yield f"chain {root_id} has {len(notices)} service messages: {notices}"
        answers = [each for each in of_pair if each.root_id == root_id]
        depths = sorted({(each.depth, each.sender_id) for each in answers})
        expected = [(depth, PAIR[(depth - 1) % 2]) for depth in range(1, DEPTH + 1)]
        if max((each.depth for each in answers), default=0) != DEPTH or (chain.is_single and depths != expected):
            yield f"chain {root_id} has the answers {depths}"
        if not stopped[root_id]:
            yield f"no turn of chain {root_id} was stopped"
        story.counts["stopped turns"] += stopped[root_id]
        story.counts["messages of chains"] += len(answers)

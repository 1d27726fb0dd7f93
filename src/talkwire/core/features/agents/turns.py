"""What becomes of a turn: it is claimed, answered, given back, or its lease ends. Features call this in the
transactions in which they change messages, streams, cards and handlers, so an answer and the end of the work are one
transaction.

Of the turns of one conversation at most one is `working`.
"""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.commands.agents.turns import TURN_ALERT_TIMER, TURN_TIMER
from talkwire.core.commands.streams.storing import STREAM_TIMER
from talkwire.core.domain.agents.turns import (
    TURNS_KEPT_MS,
    Turn,
    TurnState,
    ended_turn,
    pause_ms,
    superseded_turn,
    token_of,
)
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import (
    MessagesRead,
    StreamStateChanged,
    TurnFailed,
    TurnReady,
    TurnUnanswered,
)
from talkwire.core.domain.model import LARGE_CONVERSATION, Conversation, Message
from talkwire.core.domain.nodes.peer import TURNS_KNOWN, not_known_to_all
from talkwire.core.domain.parts.streams import Stream, StreamError, StreamState
from talkwire.core.features.notifying.notifications import read_with_messages
from talkwire.core.ports.transaction import Transaction

LAPSED = StreamError("lapsed", "The process that had the turn did not renew its lease.")
ANSWER_INTERRUPTED = StreamError("interrupted", "The answer was not finished.")

# --- finding ----------------------------------------------------------------------------------------------------------


def current_turn(tx: Transaction, agent_id: str, token: str, turn_id: str | None = None) -> Turn:
    """Returns the working turn that a token names. `turn_id` is the id in a request's path, if there is one.

    Raises `invalid_request` for a text that is no token or names another turn than the path, `forbidden` for a turn of
    another agent, `conflict` for one that has ended or that another attempt has, and `unavailable` while a node of an
    older version runs.
    """
    if tx.has_nodes_before(TURNS_KNOWN):
        raise not_known_to_all("turns")
    named = token_of("turn", token)
    if turn_id not in {None, str(named.turn_id)}:
        raise invalid("turn", "must be a token of the turn in the path")
    turn = tx.turns.find(named.turn_id)
    if turn is None or turn.agent_id != agent_id:
        raise forbidden("not_found")
    if turn.has_ended:
        raise ended_turn(turn)
    if named.attempt > turn.attempt:
        raise invalid("turn", "must be a token that a claim has returned")
    if named.attempt < turn.attempt or turn.state != "working":
        raise superseded_turn()
    return turn


def turn_to_answer(tx: Transaction, agent_id: str, token: str, conversation: Conversation) -> Turn:
    """Returns the turn in which an agent writes a message. Raises what `current_turn` raises, `invalid_request` for a
    turn of another conversation, and `conflict` while a person handles the conversation."""
    turn = current_turn(tx, agent_id, token)
    if turn.conversation_id != conversation.id:
        raise invalid("turn", "must be a turn in this conversation")
    if is_handled_by_person(tx, conversation):
        details = {"reason": "handled", "handler": conversation.handler_id}
        raise ChatError("conflict", "A person handles this conversation now.", details, cause="state_changed")
    return turn


def askers_of(tx: Transaction, turn_id: int) -> set[str]:
    """Returns the users who wrote the messages that a turn answers."""
    found = [tx.message(id_) for id_ in tx.turns.messages_of(turn_id)]
    return {message.sender_id for message in found if message is not None}


def is_handled_by_person(tx: Transaction, conversation: Conversation) -> bool:
    handler = None if conversation.handler_id is None else tx.user(conversation.handler_id)
    return handler is not None and handler.kind == "person"


def open_stream_of(tx: Transaction, turn: Turn) -> Stream | None:
    """Returns the stream that the present attempt of a turn writes, if it is open."""
    stream = tx.streams.find(turn.stream_id) if turn.stream_id is not None and turn.has_own_stream else None
    return stream if stream is not None and stream.node_id else None


def must_not_stream(tx: Transaction, turn: Turn) -> None:
    """Raises `conflict` if a message is being written in the turn: its end says what becomes of the turn."""
    stream = open_stream_of(tx, turn)
    if stream is not None:
        details = {"reason": "streaming", "messageId": str(stream.message_id)}
        raise ChatError("conflict", "Finish the message of this turn first.", details, cause="state_changed")


# --- beginning and answering ------------------------------------------------------------------------------------------


def announce(tx: Transaction, turn: Turn) -> None:
    """Records that a turn can be claimed, which wakes the agent's processes on all nodes."""
    tx.record(TurnReady(tx.next_pos(), tx.now_ms, turn.id, turn.conversation_id, turn.agent_id))


def expect_alert(tx: Transaction, turn: Turn) -> None:
    tx.timers.set(TURN_ALERT_TIMER, str(turn.id), tx.now_ms + tx.policy.turn_alert_s * 1000)


def begin_attempt(tx: Transaction, turn: Turn, lease_ms: int) -> Turn:
    working = replace(
        turn,
        state="working",
        attempt=turn.attempt + 1,
        claimable_ms=None,
        lease_ms=lease_ms,
        until_ms=tx.now_ms + lease_ms,
        label=None,
        stopped_by=None,
        stopped_ms=None,
    )
    return put_working(tx, working)


def put_working(tx: Transaction, turn: Turn) -> Turn:
    """Stores a working turn, whose lease begins again, and returns it."""
    turn = replace(turn, until_ms=tx.now_ms + turn.lease_ms)
    tx.turns.put(turn)
    tx.timers.set(TURN_TIMER, str(turn.id), turn.until_ms)
    return turn


def answered(tx: Transaction, turn: Turn, message: Message, *, more: bool) -> None:
    """Takes a message into account that was written in a turn. One with a card lets the turn wait for the decision, a
    stream keeps it until the stream ends. Any other one ends it, unless there will be `more`."""
    if message.card is not None:
        _wait_for_card(tx, turn, message)
    elif message.state == "streaming":
        if turn.stream_id != message.id:
            _give_up_stream(tx, turn)
        put_working(tx, replace(turn, stream_id=message.id, stream_attempt=turn.attempt, more=more))
    elif more:
        put_working(tx, turn)
    else:
        end_turn(tx, turn)


def _wait_for_card(tx: Transaction, turn: Turn, message: Message) -> None:
    _put_waiting(tx, replace(turn, card_id=message.id), None)


def _put_waiting(tx: Transaction, turn: Turn, claimable_ms: int | None) -> None:
    """Stores a turn that nobody has. It can be claimed from `claimable_ms` on; None: once a card is decided."""
    waiting = replace(turn, state="waiting", claimable_ms=claimable_ms, until_ms=None, label=None)
    tx.turns.put(waiting)
    is_later = claimable_ms is not None and claimable_ms > tx.now_ms
    tx.timers.set(TURN_TIMER, str(turn.id), claimable_ms if is_later else None)
    if claimable_ms is not None and not is_later:
        announce(tx, waiting)
    if turn.state == "working":
        _make_room(tx, waiting)


def _make_room(tx: Transaction, former: Turn) -> None:
    """Announces the next turn of each agent in a conversation, in which `former` is not worked on any more."""
    is_announced = former.claimable_ms is not None and former.claimable_ms <= tx.now_ms
    _announce_all(tx, former.conversation_id, former.agent_id if is_announced else None)


def announce_waiting(tx: Transaction, conversation_id: str) -> None:
    """Announces what can be claimed in a conversation, after an agent has gone that may have worked there."""
    conversation = tx.conversation(conversation_id)
    if conversation is not None and conversation.has_agents:
        _announce_all(tx, conversation_id)


def _announce_all(tx: Transaction, conversation_id: str, but: str | None = None) -> None:
    """Announces the first turn of each agent that can be claimed in a conversation, without the agent `but`. One of the
    agents may have no process that could claim its turn."""
    announced = {but}
    for following in tx.turns.claimable_in(conversation_id, tx.now_ms):
        if following.agent_id not in announced:
            announced.add(following.agent_id)
            announce(tx, following)


def card_ended(tx: Transaction, message: Message) -> None:
    """Lets the turn that waits for the decision about a message's card be claimed again."""
    turn_id = None if message.cause is None else message.cause.turn_id
    turn = None if turn_id is None else tx.turns.find(turn_id)
    if turn is not None and _waits_for(turn, message.id):
        _go_on(tx, turn)


def message_deleted(tx: Transaction, deleted: Message) -> None:
    """Takes into account that a message was deleted: a turn that waits for the decision about its card can be claimed
    again, and a turn that answers with it has ended."""
    for turn in tx.turns.of_message(deleted.id):
        if _waits_for(turn, deleted.id):
            _go_on(tx, turn)
        elif turn.state == "working" and turn.stream_id == deleted.id:
            end_turn(tx, replace(turn, stream_id=None))


def _waits_for(turn: Turn, message_id: int) -> bool:
    return turn.state == "waiting" and turn.card_id == message_id and turn.claimable_ms is None


def _go_on(tx: Transaction, turn: Turn) -> None:
    expect_alert(tx, turn)
    _put_waiting(tx, turn, tx.now_ms)


def stream_ended(
    tx: Transaction, message: Message, state: StreamState, *, is_left: bool = True, more: bool | None = None
) -> None:
    """Takes the end of a stream into account that was written in a turn. It ends the turn, unless there will be more,
    or the stream was interrupted or has failed. `is_left` is False if its message is to be deleted, and `more` is None
    if it is as the opening has said."""
    turn_id = None if message.cause is None else message.cause.turn_id
    turn = None if turn_id is None else tx.turns.find(turn_id)
    if turn is None:
        return
    is_continuable = is_left and state == "interrupted"
    if turn.has_ended or turn.stream_id != message.id:
        if is_continuable:  # but nobody will
            _give_up(tx, message)
        return
    if more is not None:
        turn = replace(turn, more=more)
    left = turn if is_continuable else replace(turn, stream_id=None)
    if not (turn.state == "working" and turn.has_own_stream):
        _former_stream_ended(tx, left, state)
    elif state == "interrupted":
        fail_turn(tx, left, ANSWER_INTERRUPTED)
    elif state == "failed":
        fail_turn(tx, left, message.error or StreamError("failed"))
    elif state == "done" and turn.more:
        put_working(tx, replace(left, more=False))
    else:
        end_turn(tx, left)


def _former_stream_ended(tx: Transaction, left: Turn, state: StreamState) -> None:
    """Takes the end of a stream into account whose attempt was given back, or waits for a decision: that is no failure
    of the next attempt. If it was finished all the same, the turn is answered."""
    if state in {"interrupted", "failed"} or left.card_id is not None or left.more:
        tx.turns.put(left)
    else:
        end_turn(tx, left)


# --- ending -----------------------------------------------------------------------------------------------------------


def end_turn(tx: Transaction, turn: Turn) -> None:
    """Ends a turn: its messages are answered, and the agent has read them."""
    _end(tx, turn, "done")
    _read(tx, turn)


def _end(tx: Transaction, turn: Turn, state: TurnState) -> Turn:
    _give_up_stream(tx, turn)
    ended = replace(
        turn,
        state=state,
        claimable_ms=None,
        until_ms=None,
        label=None,
        note=None,
        note_by=None,
        stream_id=None,
        ended_ms=tx.now_ms,
    )
    tx.turns.put(ended)
    tx.timers.set(TURN_TIMER, str(turn.id), tx.now_ms + TURNS_KEPT_MS)
    tx.timers.set(TURN_ALERT_TIMER, str(turn.id), None)
    if turn.state == "working":
        _make_room(tx, ended)
    return ended


def _give_up_stream(tx: Transaction, turn: Turn) -> None:
    """Ends the interrupted stream of a former attempt, since nobody will continue it."""
    message = None if turn.stream_id is None else tx.message(turn.stream_id)
    if message is not None and message.state == "interrupted":
        _give_up(tx, message)


def _give_up(tx: Transaction, message: Message) -> None:
    failed = replace(message, state="failed", error=ANSWER_INTERRUPTED)
    tx.record(StreamStateChanged(tx.next_pos(), tx.now_ms, failed))
    tx.streams.drop(message.id)
    tx.timers.set(STREAM_TIMER, str(message.id), None)


def _read(tx: Transaction, turn: Turn) -> None:
    """Moves the agent's read position to the newest message that the turn answers."""
    member, conversation = tx.member(turn.conversation_id, turn.agent_id), tx.conversation(turn.conversation_id)
    message_ids = tx.turns.messages_of(turn.id)
    newest = tx.message(message_ids[-1]) if message_ids else None
    if member is None or conversation is None or newest is None:
        return
    if newest.seq > member.read_seq:
        user = tx.user(turn.agent_id)
        is_large = conversation.member_count > LARGE_CONVERSATION
        authors = tuple(tx.authors(conversation.id, member.read_seq, newest.seq)) if is_large else None
        place = conversation.id, turn.agent_id, newest.seq, newest.id
        private = user is not None and not user.read_receipts
        read = MessagesRead(tx.next_pos(), tx.now_ms, *place, authors, since=member.read_seq, private=private)
        tx.record(read)
    read_with_messages(tx, conversation.id, turn.agent_id, newest.id, without_replies=False)


def release_turn(tx: Transaction, turn: Turn) -> None:
    """Gives a turn back, for another process. A stream that is open in it is interrupted at once. One that was to stop
    is not tried again."""
    stream = None if turn.stream_id is None else tx.streams.find(turn.stream_id)
    if stream is not None and stream.node_id:
        tx.streams.put(replace(stream, until_ms=tx.now_ms))
        tx.timers.set(STREAM_TIMER, str(stream.message_id), tx.now_ms)
    if turn.stop is not None:
        end_turn(tx, turn)
    else:
        _put_waiting(tx, turn, tx.now_ms)


def fail_turn(tx: Transaction, turn: Turn, error: StreamError) -> None:
    """Counts a failure of a working turn. It can be claimed again after a while; the last failure ends it. One that was
    to stop is not tried again."""
    if turn.stop is not None:
        end_turn(tx, turn)
        return
    failed = replace(turn, tries=turn.tries + 1, error_code=error.code, error_message=error.message)
    if failed.tries >= tx.policy.max_turn_tries:
        give_up(tx, failed)
    else:
        _put_waiting(tx, failed, tx.now_ms + pause_ms(failed.tries))


def give_up(tx: Transaction, turn: Turn) -> None:
    """Ends a turn as failed, with its error, and reports that to the agent's owner and the application."""
    ended = _end(tx, turn, "failed")
    assert ended.error is not None, "a turn fails with an error"
    agent = tx.user(turn.agent_id)
    owner_id = None if agent is None else agent.owner_id
    place = turn.id, turn.conversation_id, turn.agent_id
    tx.record(TurnFailed(tx.next_pos(), tx.now_ms, *place, ended.error, owner_id))


# --- people -----------------------------------------------------------------------------------------------------------


def stop_turns(tx: Transaction, message_id: int, by: str) -> None:
    """Asks the agents that work on a message to stop."""
    for turn in tx.turns.working_on(message_id):
        _stop(tx, turn, by)


def taken_over(tx: Transaction, conversation: Conversation, by: str) -> None:
    """Asks the agent that works in a conversation to stop, because a person handles it now."""
    turn = tx.turns.working_in(conversation.id)
    if turn is not None:
        _stop(tx, turn, by)


def _stop(tx: Transaction, turn: Turn, by: str) -> None:
    if turn.stop is None:
        tx.turns.put(replace(turn, stopped_by=by, stopped_ms=tx.now_ms))
    stream = None if turn.stream_id is None else tx.streams.find(turn.stream_id)
    if stream is not None and stream.node_id and stream.stop is None:
        stopped = replace(stream, stopped_by=by, stopped_ms=tx.now_ms)
        tx.streams.put(stopped)
        tx.timers.set(STREAM_TIMER, str(stream.message_id), stopped.ends_ms)


def given_back(tx: Transaction, conversation_id: str, handler_id: str | None) -> None:
    """Ends the turns that nobody works on in a conversation which the person `handler_id` handles no more, and
    announces those whose cards were decided meanwhile. An agent that has not stopped yet need not stop for that person
    now."""
    drop_waiting(tx, conversation_id)
    turn = tx.turns.working_in(conversation_id)
    if turn is None:
        _announce_all(tx, conversation_id)
    elif turn.stopped_by == handler_id and open_stream_of(tx, turn) is None:
        tx.turns.put(replace(turn, stopped_by=None, stopped_ms=None))


def drop_waiting(tx: Transaction, conversation_id: str) -> None:
    """Ends the turns of a conversation that nobody works on, except those that have asked for a decision."""
    for turn in tx.turns.waiting_in(conversation_id):
        if turn.card_id is None:
            _end(tx, turn, "done")


# --- timers -----------------------------------------------------------------------------------------------------------


def look_at_turn(tx: Transaction, key: str) -> int | None:
    """Ends the attempt of a turn whose lease has ended, announces one that can be claimed again, and removes one that
    ended long ago. Returns when to look again, in milliseconds since 1970, or None."""
    turn = tx.turns.find(int(key))
    if turn is None:
        return None
    due_ms = _due_ms(tx, turn)
    if due_ms is None or due_ms > tx.now_ms:
        return due_ms
    if turn.has_ended:
        tx.turns.drop(turn.id)
        return None
    if turn.state == "waiting":
        announce(tx, turn)
        return None
    fail_turn(tx, turn, LAPSED)
    left = tx.turns.find(turn.id)
    return None if left is None else _due_ms(tx, left)


def _due_ms(tx: Transaction, turn: Turn) -> int | None:
    if turn.ended_ms is not None:
        return turn.ended_ms + TURNS_KEPT_MS
    if turn.state == "waiting":
        return turn.claimable_ms
    stream = open_stream_of(tx, turn)
    if stream is not None:  # its end is what ends the attempt
        return max(stream.ends_ms, tx.now_ms) + 1000
    return turn.until_ms


def look_at_alert(tx: Transaction, key: str) -> int | None:
    """Reports a turn that is still open, unless it waits for people. Returns when to look again, in milliseconds since
    1970, or None."""
    turn = tx.turns.find(int(key))
    if turn is None or turn.has_ended:
        return None
    again_ms = tx.now_ms + tx.policy.turn_alert_s * 1000
    conversation = tx.conversation(turn.conversation_id)
    if conversation is not None and is_handled_by_person(tx, conversation):
        return again_ms
    if turn.card_id is not None and _waits_for(turn, turn.card_id):
        return again_ms
    agent = tx.user(turn.agent_id)
    owner_id = None if agent is None else agent.owner_id
    place = turn.id, turn.conversation_id, turn.agent_id
    tx.record(TurnUnanswered(tx.next_pos(), tx.now_ms, *place, turn.created_ms, owner_id))
    return None

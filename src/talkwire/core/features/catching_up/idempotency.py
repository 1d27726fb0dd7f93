"""Executes a command once for each `Idempotency-Key` (a client's name for a request), even if the request is sent
several times.

A command's result is stored in the same transaction as its effects, so that a crash loses both or neither. A retry
returns the stored result, as far as the actor may still see it (`stored_answers.py`). Nothing is stored for a refused
command, so a retry of it is executed.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any, ForwardRef

import msgspec

from talkwire.core.commands.command import Change, Command, IdempotencyKey, Signal
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.features.catching_up.stored_answers import AnswerFacts, answer_now, without_code
from talkwire.core.ports.stores import StoredAnswer
from talkwire.core.ports.transaction import Transaction

ANSWERS_KEPT_MS = 24 * 3600 * 1000
"""Milliseconds for which the result of a command is kept under its idempotency key: a day."""

IDEMPOTENCY_KEY_MAX_LENGTH = 255
"""Longest idempotency key, in characters."""

_encoder = msgspec.json.Encoder(order="deterministic")

_OTHER_VERSION = (
    "This request was executed. Another version of the server has stored its answer, which this one cannot read."
)


def decide_once(
    tx: Transaction,
    actor: Actor,
    command: Command[Any],
    key: IdempotencyKey,
    decide: Callable[[Transaction, Actor, Any], object],
) -> object:
    """Executes the command with `decide`, stores its result under the idempotency key for `ANSWERS_KEPT_MS` (a day) in
    the same transaction, and returns it. If the key was used before, executes nothing and returns the stored result
    (`answer_again`). Nothing is stored for a refused command."""
    tx.answers.drop_expired(tx.now_ms)
    stored = tx.answers.find(key)
    if stored is not None:
        return answer_again(tx, actor, command, key, stored)
    result = decide(tx, actor, command)
    stored = StoredAnswer(
        _sent_hash(command, key), _encoder.encode(without_code(result)).decode(), tx.now_ms + ANSWERS_KEPT_MS
    )
    tx.answers.keep(key, stored)
    return result


def answer_again(
    facts: AnswerFacts, actor: Actor, command: Command[Any], key: IdempotencyKey, stored: StoredAnswer
) -> object:
    """Returns the stored result of a command, adapted to what the actor may see now.

    Raises `conflict` if the key was used for another command, or if another version stored a result of another form;
    `forbidden` or `banned` if the actor may no longer see the result.
    """
    if stored.command_hash != _sent_hash(command, key):
        raise ChatError("conflict", "This Idempotency-Key was used for another request.", cause="retry_differs")
    try:
        result = _decoder_of(type(command)).decode(stored.result)
    except msgspec.ValidationError:
        raise ChatError("conflict", _OTHER_VERSION, cause="not_shown_again") from None
    return answer_now(facts, actor, result)


def result_type(command_type: type) -> Any:  # noqa: ANN401 (a type, which may be a union)
    """Returns the result type `R` of a command class declared as `Change[R]` or `Signal[R]`. Raises TypeError for any
    other class."""
    for base in command_type.__dict__.get("__orig_bases__", ()):
        if typing.get_origin(base) in {Change, Signal}:
            (argument,) = typing.get_args(base)
            return _resolved(argument, command_type.__module__)
    raise TypeError(f"{command_type.__name__} does not declare its result type")


def _resolved(argument: object, module: str) -> object:
    """Returns the type that a forward reference (a quoted type) names; other types are returned as they are."""
    if not isinstance(argument, ForwardRef):
        return argument
    names = vars(sys.modules[module])
    return typing.get_type_hints(type("_", (), {"__annotations__": {"it": argument.__forward_arg__}}), names)["it"]


@cache
def _decoder_of(command_type: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(result_type(command_type))


def _sent_hash(command: Command[Any], key: IdempotencyKey) -> int:
    return hash_of(command) if key.command_hash is None else key.command_hash


def hash_of(command: Command[Any]) -> int:
    """Returns a 63-bit hash of a command's content, to recognise whether a retry is the same command."""
    return int.from_bytes(blake2b(_encoder.encode(command), digest_size=8).digest()) >> 1

"""Asks a language model through the API of OpenAI's chat completions, and yields its answer as it arrives."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeAlias
from uuid import uuid4

from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

from talkwire_agent.characters import storable

ModelMessage: TypeAlias = dict[str, Any]
"""Message of the chat completions API: `role`, `content` and what belongs to the role."""

RETRIES = 3
"""Most repetitions of a request that has no answer yet: after HTTP 408, 409, 429 or 5xx, or without a response."""

AFTER_END_S = 2.0
"""Longest time that a request waits for the end of the HTTP response after the end of the answer, so that the
connection is kept, in seconds."""

UNAVAILABLE = "model_unavailable"
REFUSED = "model_refused"
RETRYABLE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TextPiece:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPiece:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool. `arguments` is JSON as the model wrote it, so it may be invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """The end of the model's answer, and why it has ended, such as `stop`, `tool_calls` or `length`."""

    reason: str


AnswerPiece: TypeAlias = TextPiece | ReasoningPiece | ToolCall | AnswerEnd


class ModelError(Exception):
    """Raised when the model has given no complete answer.

    `code` is `model_unavailable` if a later attempt may succeed, else `model_refused`. Members may read the `message`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Model:
    """A model behind the API of OpenAI's chat completions, for `async with`.

    `base_url` is the address up to `/chat/completions`. `timeout_s` is how long the endpoint may send nothing, in
    seconds.
    """

    def __init__(self, base_url: str, name: str, *, api_key: str, timeout_s: float) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._client = AsyncOpenAI(base_url=base_url, api_key=api_key, timeout=timeout_s, max_retries=RETRIES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.close()

    async def answer(
        self, messages: Sequence[ModelMessage], tools: Sequence[Mapping[str, Any]] = (), *, may_call: bool = True
    ) -> AsyncGenerator[AnswerPiece]:
        """Yields the pieces of the answer to `messages`: texts and reasoning as they arrive, and at the end the calls
        of tools and an `AnswerEnd`. Without `may_call`, asks the model to call no tools.

        Raises `ModelError`. Closing the iterator or cancelling its task ends the request.
        """
        request: dict[str, Any] = {"model": self.name, "messages": list(messages), "stream": True}
        if tools:
            request |= {"tools": list(tools), **({} if may_call else {"tool_choice": "none"})}
        try:
            stream: AsyncStream[ChatCompletionChunk] = await self._client.chat.completions.create(**request)
            async with stream, aclosing(self._pieces(stream)) as pieces:
                async for piece in pieces:
                    yield piece
        except (APIError, TimeoutError, ValueError) as error:
            raise self._error_of(error) from error

    async def _pieces(self, stream: AsyncStream[ChatCompletionChunk]) -> AsyncGenerator[AnswerPiece]:
        calls = _Calls()
        reason = ""
        while (chunk := await self._next(stream, is_ended=bool(reason))) is not None:  # Suspends: it reads.
            for choice in chunk.choices or ():
                for piece in _pieces_in(choice.delta):
                    yield piece
                calls.add_all(choice.delta)
                reason = choice.finish_reason or reason
        if not reason:
            raise ModelError(UNAVAILABLE, "The model's answer broke off.")
        for call in calls.complete():
            yield call
        yield AnswerEnd(reason)

    async def _next(self, stream: AsyncStream[ChatCompletionChunk], *, is_ended: bool) -> ChatCompletionChunk | None:
        """Returns the next chunk; None at the end. After the end of the answer, errors are the end too."""
        try:
            # The client's own limit ends with each byte, also with comments that say that the server is alive.
            async with asyncio.timeout(AFTER_END_S if is_ended else self._timeout_s):
                return await anext(stream)
        except StopAsyncIteration:
            return None
        except (APIError, TimeoutError):
            if is_ended:
                return None
            raise

    def _error_of(self, error: Exception) -> ModelError:
        """Returns the error for the agent's caller, and logs what the endpoint has answered."""
        found = ModelError(*self._explained(error))
        _logger.warning("%s (model %s): %s", found.message, self.name, error)
        return found

    def _explained(self, error: Exception) -> tuple[str, str]:
        if isinstance(error, APITimeoutError | TimeoutError):
            return UNAVAILABLE, f"The model has sent nothing for {self._timeout_s:g} seconds."
        if isinstance(error, APIConnectionError):
            return UNAVAILABLE, "The connection to the model could not be made, or broke off."
        if not isinstance(error, APIStatusError):
            return UNAVAILABLE, "The model's answer ended with an error."
        status = error.status_code
        if status in RETRYABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return UNAVAILABLE, f"The model is not available at present (HTTP {status})."
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return REFUSED, f"The model's server refuses the agent's API key (HTTP {status})."
        if status == HTTPStatus.NOT_FOUND:
            return REFUSED, f"The model's server has no model {self.name}, or another address (HTTP 404)."
        return REFUSED, f"The model's server refuses the agent's request (HTTP {status})."


@dataclass(slots=True)
class _Call:
    """A call whose name and arguments arrive in pieces."""

    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class _Calls:
    """The calls of one answer, by the place that the server gives them."""

    def __init__(self) -> None:
        self._all: list[_Call] = []
        self._at: dict[int, _Call] = {}

    def add_all(self, delta: object) -> None:
        for piece in getattr(delta, "tool_calls", None) or ():
            self._add(piece)

    def _add(self, delta: object) -> None:
        id_ = getattr(delta, "id", None) or ""
        call = self._call_at(getattr(delta, "index", None), id_)
        function = getattr(delta, "function", None)
        name = _text_of(function, "name")
        # Some servers repeat the name in each piece.
        if name and not call.arguments and name != call.name:
            call.name += name
        arguments = getattr(function, "arguments", None)
        if arguments:
            call.arguments.append(arguments if isinstance(arguments, str) else json.dumps(arguments))

    def complete(self) -> list[ToolCall]:
        """Returns the calls. Some models call a tool that has no parameters with an empty text."""
        return [
            ToolCall(storable(call.id), storable(call.name), storable("".join(call.arguments)).strip() or "{}")
            for call in self._all
        ]

    def _call_at(self, index: object, id_: str) -> _Call:
        """Returns the call to which a piece belongs. Some servers give no index, or the same one to each call; another
        id is another call.
        """
        place = index if isinstance(index, int) else len(self._all) if id_ else len(self._all) - 1
        found = self._at.get(place)
        if found is None or (id_ and id_ != found.id):
            found = self._at[place] = _Call(id_ or f"call_{uuid4().hex}")
            self._all.append(found)
        return found


def _pieces_in(delta: object) -> Iterator[AnswerPiece]:
    """Yields what is new. Servers call the reasoning either `reasoning_content` or `reasoning`."""
    if text := _text_of(delta, "reasoning_content") or _text_of(delta, "reasoning"):
        yield ReasoningPiece(text)
    if text := _text_of(delta, "content") or _text_of(delta, "refusal"):
        yield TextPiece(text)


def _text_of(value: object, name: str) -> str:
    found = getattr(value, name, None)
    return found if isinstance(found, str) else ""

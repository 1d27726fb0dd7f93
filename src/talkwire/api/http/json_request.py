"""Decodes and validates JSON bodies of REST requests as strictly as payloads of sockets: `"5"` is not accepted as a
number."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request

from talkwire.api.http.json_budget import check_budget
from talkwire.api.http.json_lines import takes_lines
from talkwire.api.streamed_request import is_streamed
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.texts import check_text
from talkwire.payloads.named_conversation import conversation_in, conversation_in_json
from talkwire.payloads.problems import invalid_payload, with_unknown_fields_in

BODY_MAX = 256 * 1024
"""Largest JSON body, in bytes. The text of a message has a smaller limit."""

PARTS_BODY_MAX = 512 * 1024
"""Largest JSON body that has the parts of messages, in bytes. The parts of a message have a smaller limit."""

_PROBLEM = "body_problem"
_BODY = "body_and_type"
_UNFIT = object()
"""Value that no type accepts."""


class JsonRequest(Request[Any, Any, Any]):
    """A Litestar request that decodes its JSON body directly to the type that the route declares. Litestar's own
    decoder would accept `"5"` as 5 and 1 as true."""

    async def body(self) -> bytes:
        """Returns the body; an empty one if the route reads it as it arrives (`json_lines.py` and
        `streamed_request.py`)."""
        return b"" if is_streamed(self) or takes_lines(self) else await super().body()

    async def json(self) -> Any:  # noqa: ANN401 (JSON)
        """Returns the body as the type that the route expects.

        For an invalid body it returns a value that Litestar refuses later, after authentication; `body_problem` then
        returns the reason.
        """
        data = self.route_handler.parsed_fn_signature.parameters.get("data")
        if data is None:
            return await super().json()
        try:
            body = await self.body()
            check_budget(body)
            self.state[_BODY] = body, data.annotation
            return _decoded(body, data.annotation)
        except msgspec.ValidationError as error:
            self.state[_PROBLEM] = invalid_payload(error, data.annotation)
        except ChatError as error:
            self.state[_PROBLEM] = error
        return _UNFIT


def _decoded(body: bytes, annotation: Any) -> Any:  # noqa: ANN401 (JSON)
    """Returns the body as the type `annotation`. `null` is a body without members where it is not a value of the type.
    Raises msgspec.ValidationError."""
    try:
        return msgspec.json.decode(body, type=annotation)
    except msgspec.ValidationError:
        if body.strip() != b"null":
            raise
        return msgspec.json.decode(b"{}", type=annotation)


def refuse_unstorable(request: Request[Any, Any, Any]) -> None:
    """Raises `invalid_request` for a path or a query with characters that no database can store, such as NUL."""
    check_text("path", request.scope["path"])
    if b"%00" in request.scope["query_string"]:
        for name, value in request.query_params.multi_items():
            check_text(name, value)


def body_problem(request: Request[Any, Any, Any]) -> ChatError | None:
    """Returns why the request's body does not fit the type that the route declares, or is too expensive to decode; None
    if neither is the case."""
    problem = request.state.get(_PROBLEM)
    return problem if isinstance(problem, ChatError) else None


def conversation_of(request: Request[Any, Any, Any]) -> str | None:
    """Returns the id of the conversation that a request names in its path, its query or its JSON body; None if it names
    none or no valid id."""
    body, _ = request.state.get(_BODY, (b"", None))
    named = conversation_in(request.path_params) or conversation_in(request.query_params)
    return named or conversation_in_json(body)


def with_unknown_fields_of_body(request: Request[Any, Any, Any], error: ChatError) -> ChatError:
    """Returns the error extended with the names of unknown members in the request's JSON body, if it is
    `invalid_request`; else the error unchanged."""
    body, expected = request.state.get(_BODY, (None, None))
    return error if body is None else with_unknown_fields_in(error, expected, body)

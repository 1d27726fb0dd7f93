"""A request's JSON body, as strictly as a socket's payload: a number is a number and not a text that looks like one."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request

from talkwire.api.http.json_budget import check_budget
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.texts import check_text
from talkwire.dialects.payloads.problems import invalid_payload, with_unknown_fields

_PROBLEM = "body_problem"
_BODY = "body_and_type"
_UNFIT = object()
"""Fits no type."""


class JsonRequest(Request[Any, Any, Any]):
    """Litestar would take `"5"` for 5, and 1 for true. Here the body becomes its type before Litestar sees it."""

    async def json(self) -> Any:  # noqa: ANN401 (JSON)
        """The body as the type that the route takes.

        One that does not fit is refused later, by Litestar, since who is calling comes first: `body_problem` says why.
        """
        data = self.route_handler.parsed_fn_signature.parameters.get("data")
        if data is None:
            return await super().json()
        try:
            body = await self.body()
            check_budget(body)
            self.state[_BODY] = body, data.annotation
            return msgspec.json.decode(body, type=data.annotation)
        except msgspec.ValidationError as error:
            self.state[_PROBLEM] = invalid_payload(error, data.annotation)
        except ChatError as error:
            self.state[_PROBLEM] = error
        return _UNFIT


def refuse_unstorable(request: Request[Any, Any, Any]) -> None:
    """Raises `invalid_request` for an address that says what no database can keep, whichever route it is for."""
    check_text("path", request.scope["path"])
    if b"%00" in request.scope["query_string"]:
        for name, value in request.query_params.multi_items():
            check_text(name, value)


def body_problem(request: Request[Any, Any, Any]) -> ChatError | None:
    """What is wrong with a body, and where; None when that is not what was refused."""
    problem = request.state.get(_PROBLEM)
    return problem if isinstance(problem, ChatError) else None


def with_unknown_fields_of_body(request: Request[Any, Any, Any], error: ChatError) -> ChatError:
    """The refusal of a request, with the names of those fields of its body that nobody reads."""
    body, expected = request.state.get(_BODY, (None, None))
    if body is None or error.code != "invalid_request":
        return error
    try:
        return with_unknown_fields(error, expected, msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        return error  # it is no JSON that has fields

"""Makes REST routes from the operations: the path names fields of the command, the query of a GET request or the body
has the others, and the answer is the command's result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import Parameter, Signature
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

import msgspec
from litestar import delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.caller import ActingUserId
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.command import Change, IdempotencyKey
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.operation import One, Operation
from talkwire.operations.shapes import Given, Shape, given_type, values_of
from talkwire.payloads.payload import Payload

_METHODS: Mapping[str, Any] = MappingProxyType({"DELETE": delete, "GET": get, "PATCH": patch, "POST": post, "PUT": put})

_BODY: Any = JSONBody
_QUERY: Any = FromQuery
_LIST: Any = ListAnswer
"""Generic types, for arguments that no type checker knows."""

_IN_BRACES = re.compile(r"\{(\w+)\}")
_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")

_SENDER = "sender_id"

_OF_QUERIES: Mapping[str, Any] = MappingProxyType(
    {
        "limit": Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="The number of items in a page")],
        _SENDER: ActingUserId,
    }
)
"""Parameters of queries that are alike in all operations, by their fields."""


def routes_of(operations: Iterable[Operation], module: str = __name__) -> list[HTTPRouteHandler]:
    """Returns the routes of those operations that have one. They seem to be written in `module`, by which the API's
    documents see that a route belongs to a dialect."""
    return [_route(each, module) for each in operations if each.route is not None]


def _route(operation: Operation, module: str) -> HTTPRouteHandler:
    assert operation.route is not None
    method, path = operation.route.split(" ")
    given = _given(operation, _IN_BRACES.findall(path)) if method in {"PATCH", "POST", "PUT"} else None
    decorate = _METHODS[method](
        _IN_BRACES.sub(r"{\1:str}", path),
        status_code=operation.status,
        summary=operation.summary,
        description=operation.description,
        tags=[operation.tag],
    )
    handler = _handler(operation, method, path, given)
    handler.__module__ = module
    route: HTTPRouteHandler = decorate(handler)
    return route


def _handler(operation: Operation, method: str, path: str, given: Given | None) -> Callable[..., Any]:
    """Returns the function that handles a route's requests. Litestar reads its name and its annotations."""
    command, fixed = operation.command, operation.fixed
    answer = _answer(operation)

    async def handle(
        caller: Caller,
        chat: LimitedChat,
        key: IdempotencyKey | None = None,
        data: msgspec.Struct | None = None,
        **fields: object,
    ) -> object:
        if data is not None:
            assert given is not None
            fields |= values_of(data, given.fields)
        return answer(await chat.execute(caller.actor, command(**fixed, **fields), key))

    parameters = list(_parameters(operation, method, path, given))
    returned = _answer_type(operation)
    name = operation.operation_id or command.__name__
    handle.__name__ = "_".join(_WORDS.split(name)).lower()
    handle.__annotations__ = {**{each.name: each.annotation for each in parameters}, "return": returned}
    handle.__signature__ = Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    return handle


def _parameters(operation: Operation, method: str, path: str, given: Given | None) -> Iterator[Parameter]:
    hints = get_type_hints(operation.command, include_extras=True)
    in_path = _IN_BRACES.findall(path)
    for name in in_path:
        yield _parameter(name, FromPath[str])
    if given is not None:
        yield _parameter("data", _BODY[given.type])
    yield _parameter("caller", GivenCaller)
    yield _parameter("chat", GivenChat)
    if method == "POST" and issubclass(operation.command, Change):
        yield _parameter("key", GivenKey)
    if given is None:
        for info in msgspec.structs.fields(operation.command):
            if info.name not in {*in_path, *operation.fixed, *operation.without}:
                yield _parameter(info.name, _OF_QUERIES.get(info.name) or _QUERY[hints[info.name]], info.default)


def _parameter(name: str, annotation: object, default: object = msgspec.NODEFAULT) -> Parameter:
    empty = default is msgspec.NODEFAULT
    return Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if empty else default, annotation=annotation)


def _given(operation: Operation, in_path: Iterable[str]) -> Given | None:
    """Returns the type of the body; None if the command has no other fields than those of the path and a sender, who is
    given in the query."""
    without = {*operation.without, *operation.fixed, *in_path}
    if not {*operation.command.__struct_fields__} - without - {_SENDER}:
        return None
    shape = operation.body or Shape(f"{operation.command.__name__}Body")
    is_payload = shape.name.endswith("Payload")
    base, module = (Payload, "talkwire.payloads.") if is_payload else (Body, __name__)
    return given_type(operation.command, shape, base, module, without)


def _answer(operation: Operation) -> Callable[[Any], Any]:
    answer = operation.answer
    if answer is None:
        return lambda _: None
    payload = answer.payload
    if isinstance(answer, One):
        return payload
    return lambda page: ListAnswer(tuple(map(payload, page.items)), page.next)


def _answer_type(operation: Operation) -> object:
    if operation.answer is None:
        return None
    item = get_type_hints(operation.answer.payload)["return"]
    return item if isinstance(operation.answer, One) else _LIST[item]

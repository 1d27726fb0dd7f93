"""Makes REST routes from the operations: the path names fields of the command, the query of a GET request or the body
has the others, and the answer is the command's result."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from inspect import Parameter, Signature, signature
from types import MappingProxyType, NoneType
from typing import Annotated, Any, NamedTuple, get_origin, get_type_hints

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import Empty

from talkwire.api.description.counterparts import executes
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.caller import ActingUserId
from talkwire.api.http.created import existing
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.http.json_request import PARTS_BODY_MAX
from talkwire.core.commands.command import Change, Command, IdempotencyKey
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.operation import Listed, One, Operation
from talkwire.operations.shapes import (
    Given,
    InputMember,
    Part,
    Shape,
    camel,
    fixed_values,
    given_type,
    parts_of,
    values_of,
    with_last,
)
from talkwire.payloads.payload import Payload

PREFIX = "/api/v1"
"""Beginning of the paths of REST."""

_METHODS: Mapping[str, Any] = MappingProxyType({"DELETE": delete, "GET": get, "PATCH": patch, "POST": post, "PUT": put})
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})

_BODY: Any = JSONBody
_QUERY: Any = FromQuery
_LIST: Any = ListAnswer
"""Generic types, for arguments that no type checker knows."""

_NONE: Mapping[str, Any] = MappingProxyType({})

_IN_BRACES = re.compile(r"\{(\w+)\}")
_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")

_PARTS = frozenset({"parts", "set"})
"""Names of the fields of commands that are parts of messages."""

_SENDER = "sender_id"

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="The number of items in a page")]

_OF_QUERIES: Mapping[str, Any] = MappingProxyType({"limit": Limit, _SENDER: ActingUserId})
"""Parameters of queries that are alike in all operations, by their fields."""

OwnCheck = Callable[..., Awaitable[None]]
"""Function `(command, caller, chat)` that raises ChatError if a route refuses. Further parameters are what Litestar
gives a handler, such as `webhooks: GivenWebhooks`."""

OwnAnswer = Callable[..., Awaitable[Any]]
"""Function `(result, command, caller, chat)` that makes a route's answer of a command's result. Its annotation says the
type of the answer; a `Response` is for a route that returns, with the status 200, what existed already. Further
parameters are what Litestar gives a handler."""


class _Inputs(NamedTuple):
    """What a request gives: fields of the command in the path, in the query and in the body."""

    in_path: tuple[str, ...]
    query: tuple[Part, ...]
    body: Given | None


def routes_of(
    operations: Iterable[Operation],
    *,
    checks: Mapping[str, OwnCheck] = _NONE,
    answers: Mapping[str, OwnAnswer] = _NONE,
    handlers: Mapping[str, Callable[..., Any]] = _NONE,
    module: str = __name__,
) -> list[HTTPRouteHandler]:
    """Returns the routes of those operations that have one.

    Three mappings are for routes that need code of their own, by their methods and paths as the operations name them:
    `checks` refuses commands before they are executed, `answers` makes answers of results, and `handlers` has whole
    functions, without Litestar's decorators. The routes seem to be written in `module`, by which the API's documents
    see that a route belongs to a dialect. Raises ValueError if code is for none of the routes.
    """
    routed = {each.route: each for each in operations if each.route is not None}
    unknown = {*checks, *answers, *handlers} - routed.keys()
    if unknown:
        raise ValueError(f"no operation has the route {min(unknown)}")
    return [
        _route(each, checks.get(route), answers.get(route), handlers.get(route), module)
        for route, each in routed.items()
    ]


def _route(
    operation: Operation,
    check: OwnCheck | None,
    answer: OwnAnswer | None,
    own: Callable[..., Any] | None,
    module: str,
) -> HTTPRouteHandler:
    assert operation.route is not None
    method, path = operation.route.split(" ")
    returned = _answer_type(operation, own or answer)
    paths = [_IN_BRACES.sub(r"{\1:str}", each) for each in (PREFIX + path, operation.alias) if each is not None]
    decorate = _METHODS[method](
        paths,
        status_code=operation.status or _status(method, answers=returned is not None),
        summary=operation.summary,
        description=operation.description,
        tags=[operation.tag],
        operation_id=operation.operation_id if own is not None and operation.operation_id else None,
        responses=existing(returned.__args__[0]) if answer is not None and get_origin(returned) is Response else None,
        opt={**executes(*operation.commands), **may_refuse(*operation.refuses)},
        request_max_body_size=Empty if _PARTS.isdisjoint(operation.command.__struct_fields__) else PARTS_BODY_MAX,
    )
    handler = own or _handler(operation, method, check, answer, returned)
    if own is None:
        handler.__module__ = module
    route: HTTPRouteHandler = decorate(handler)
    return route


def _status(method: str, *, answers: bool) -> int:
    if not answers:
        return 204
    return 201 if method == "POST" else 200


def _handler(
    operation: Operation, method: str, check: OwnCheck | None, own: OwnAnswer | None, returned: object
) -> Callable[..., Any]:
    """Returns the function that handles a route's requests. Litestar reads its name and its annotations."""
    command: Any = operation.command
    inputs = _inputs(operation, method)
    answer = _answer(operation)
    for_check, for_answer = _further_parameters(check, 3), _further_parameters(own, 4)
    further = {**for_check, **for_answer}

    async def handle(
        caller: Caller,
        chat: LimitedChat,
        key: IdempotencyKey | None = None,
        data: msgspec.Struct | None = None,
        **fields: object,
    ) -> object:
        given = {name: fields.pop(name) for name in further}
        asked = _command(command, operation.fixed, inputs, fields, data)
        if check is not None:
            await check(asked, caller, chat, **{name: given[name] for name in for_check})
        result = await chat.execute(caller.actor, asked, key)
        if own is None:
            return answer(result)
        return await own(result, asked, caller, chat, **{name: given[name] for name in for_answer})

    parameters = [*_parameters(operation, method, inputs), *further.values()]
    name = operation.operation_id or operation.command.__name__
    handle.__name__ = "_".join(_WORDS.split(name)).lower()
    handle.__annotations__ = {**{each.name: each.annotation for each in parameters}, "return": returned}
    handle.__signature__ = Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    return handle


def _command(
    command: Callable[..., Command[Any]],
    fixed: Mapping[str, object],
    inputs: _Inputs,
    fields: dict[str, object],
    data: msgspec.Struct | None,
) -> Command[Any]:
    """Returns the command that a request asks for. `fields` are what the path and the query have for fields of the
    command, by the fields' names; `data` is the body."""
    for field, _, _, _, value in inputs.query:
        if value is not None:
            fields[field] = value(fields[field])
    if fixed:
        fields |= fixed_values(fixed)
    if data is not None:
        assert inputs.body is not None
        fields |= values_of(data, inputs.body.parts)
    return command(**fields)


def _inputs(operation: Operation, method: str) -> _Inputs:
    assert operation.route is not None
    in_path = tuple(_IN_BRACES.findall(operation.route))
    without = {*operation.without, *operation.fixed, *in_path}
    body = _body(operation, {*without, *operation.in_query}) if method in _WITH_BODY else None
    given = parts_of(operation.command, without, operation.members)
    if body is not None:
        return _Inputs(in_path, tuple(part for part in given if part.field in operation.in_query), body)
    return _Inputs(in_path, with_last(given, operation.last_in_query), None)


def _body(operation: Operation, without: set[str]) -> Given | None:
    """Returns the type of the body; None if the command has no other fields than those of the path and a sender, who is
    given in the query."""
    if not {*operation.command.__struct_fields__} - without - {_SENDER}:
        return None
    shape = operation.body or Shape(f"{operation.command.__name__}Body")
    is_payload = shape.name.endswith("Payload")
    base, module = (Payload, "talkwire.payloads.") if is_payload else (Body, __name__)
    parts = parts_of(operation.command, {*without, *shape.without}, operation.members, shape.times)
    return given_type(shape, base, module, parts)


def _parameters(operation: Operation, method: str, inputs: _Inputs) -> Iterator[Parameter]:
    for name in inputs.in_path:
        yield _parameter(name, FromPath[str])
    if inputs.body is not None and not operation.body_optional:
        yield _parameter("data", _BODY[inputs.body.type])
    yield _parameter("caller", GivenCaller)
    yield _parameter("chat", GivenChat)
    if method == "POST" and issubclass(operation.command, Change):
        yield _parameter("key", GivenKey)
    if inputs.body is not None and operation.body_optional:
        yield _parameter("data", _BODY[inputs.body.type | None], None)
    for part in inputs.query:
        # By the field's name, since Litestar reserves some names, such as `query`.
        yield _parameter(part.field, _of_query(part, operation.members.get(part.field)), part.default)


def _further_parameters(function: Callable[..., Any] | None, known: int) -> dict[str, Parameter]:
    """Returns the parameters of a function after the first `known` ones, by their names."""
    if function is None:
        return {}
    hints = get_type_hints(function, include_extras=True)
    return {name: _parameter(name, hints[name]) for name in [*signature(function).parameters][known:]}


def _of_query(part: Part, member: InputMember | None) -> object:
    """Returns the annotation of a parameter that a request gives in its query."""
    if member is None and part.field in _OF_QUERIES:
        return _OF_QUERIES[part.field]
    name, as_given = camel(part.name), member or InputMember()
    if name == part.field and as_given.meaning is None and as_given.least is None:
        return _QUERY[part.type]
    return Annotated[
        part.type, QueryParameter(name=name, description=as_given.meaning, ge=as_given.least, le=as_given.most)
    ]


def _parameter(name: str, annotation: object, default: object = msgspec.NODEFAULT) -> Parameter:
    empty = default is msgspec.NODEFAULT
    return Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if empty else default, annotation=annotation)


def _answer(operation: Operation) -> Callable[[Any], Any]:
    answer = operation.answer
    if answer is None:
        return lambda _: None
    payload = answer.payload
    if isinstance(answer, One):
        return payload
    if isinstance(answer, Listed):
        return lambda result: ListAnswer(tuple(map(payload, result)), None)
    return lambda page: ListAnswer(tuple(map(payload, page.items)), page.next)


def _answer_type(operation: Operation, own: Callable[..., Any] | None) -> Any:  # noqa: ANN401 (a type)
    if own is not None:
        returned = get_type_hints(own)["return"]
        return None if returned is NoneType else returned
    if operation.answer is None:
        return None
    item = get_type_hints(operation.answer.payload)["return"]
    return item if isinstance(operation.answer, One) else _LIST[item]

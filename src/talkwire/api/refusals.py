"""Which refusals each route can answer, for `/openapi.json` (contract, section 3).

Litestar describes what a route answers when all goes well, and a refusal of a form that ours never have. Here every
route's description gets our refusals instead, worked out from the route itself: whether it asks who is calling, takes a
body or changes something. What cannot be worked out, a route says with `opt=may_refuse(410)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import MappingProxyType

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from talkwire.api.errors import STATUS
from talkwire.core.errors import ErrorCode

_OPT = "refusals"

_OF_HTTP: Mapping[int, ErrorCode] = MappingProxyType(
    {
        400: "invalid_request",
        405: "invalid_request",
        408: "invalid_request",
        412: "invalid_request",
        415: "invalid_request",
        416: "invalid_request",
        423: "conflict",
        460: "invalid_request",
    }
)
"""What a protocol over HTTP has statuses of its own for, such as the one for uploads (460: other bytes have come)."""

_TEXT = Schema(type=OpenAPIType.STRING)
_COUNT = Schema(type=OpenAPIType.INTEGER, minimum=0)

_PLACES = Schema(
    type=OpenAPIType.ARRAY,
    items=Schema(type=OpenAPIType.OBJECT, required=["path", "message"], properties={"path": _TEXT, "message": _TEXT}),
)
_WAIT = Schema(type=OpenAPIType.OBJECT, required=["retryAfterMs"], properties={"retryAfterMs": _COUNT})

_DETAILS: Mapping[int, Schema] = MappingProxyType({422: _PLACES, 429: _WAIT})
"""What `details` is, where a status says more than its code."""

_HEADERS: Mapping[int, Mapping[str, OpenAPIHeader]] = MappingProxyType(
    {
        401: {"WWW-Authenticate": OpenAPIHeader(schema=_TEXT, description="How to sign in")},
        429: {"Retry-After": OpenAPIHeader(schema=_COUNT, description="Seconds to wait")},
    }
)


def may_refuse(*statuses: int) -> dict[str, object]:
    """A route's `opt`: refusals that it can answer and that cannot be seen from its form."""
    return {_OPT: statuses}


def refusal_responses() -> dict[str, OpenAPIResponse | Reference]:
    """Every status of a refusal, described once; routes refer to these."""
    return {_name(status): _response(status) for status in sorted({*STATUS.values(), *_OF_HTTP})}


class DescribeRefusals(ReceiveRoutePlugin):
    """Adds the refusals to each route's description, and says of a body that may be left out that it may."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                statuses = frozenset(_statuses(handler))
                handler.operation_class = _operation_class(statuses, _asks_who(handler), _needs_body(handler))


def _statuses(handler: HTTPRouteHandler) -> set[int]:
    # Whatever is asked for: too often, with something that does not fit, or while the database is away.
    statuses = {422, 429, 503}
    if _asks_who(handler):
        statuses |= {401, 403, 404}
    if handler.http_methods - {"GET", "HEAD"}:
        statuses |= {409}
    if {"data", "body"} & set(handler.parsed_fn_signature.parameters):
        statuses |= {413}
    return statuses | set(handler.opt.get(_OPT, ()))


def _asks_who(handler: HTTPRouteHandler) -> bool:
    """Whether `caller` is among what the route depends on, directly or through something else."""
    dependencies = handler.resolve_dependencies()
    asked, seen = list(handler.parsed_fn_signature.parameters), set[str]()
    while asked:
        name = asked.pop()
        if name == "caller":
            return True
        if name in dependencies and name not in seen:
            seen.add(name)
            asked += dependencies[name].parsed_fn_signature.parameters
    return False


def _needs_body(handler: HTTPRouteHandler) -> bool:
    data = handler.parsed_fn_signature.parameters.get("data")
    return data is not None and not data.has_default and not data.is_optional


@cache
def _operation_class(statuses: frozenset[int], asks_who: bool, needs_body: bool) -> type[Operation]:  # noqa: FBT001 (the cache's key)
    @dataclass
    class RouteOperation(Operation):
        def __post_init__(self) -> None:
            described = self.responses or {}
            described.pop("400", None)  # Litestar's own; ours is 422
            for status, response in described.items():
                _say_plainly(int(status), response)
            described |= {str(status): _reference(status) for status in sorted(statuses)}
            self.responses = described
            if isinstance(self.request_body, RequestBody):
                self.request_body.required = needs_body
            if not asks_who:
                self.security = []

    return RouteOperation


def _say_plainly(status: int, response: OpenAPIResponse | Reference) -> None:
    """Python's long words for a status speak of documents and URLs."""
    if isinstance(response, OpenAPIResponse) and response.description == HTTPStatus(status).description:
        response.description = HTTPStatus(status).phrase


def _response(status: int) -> OpenAPIResponse:
    codes = sorted(code for code, its_status in STATUS.items() if its_status == status) or [_OF_HTTP[status]]
    members: dict[str, Schema | Reference] = {"code": Schema(type=OpenAPIType.STRING, enum=codes), "message": _TEXT}
    if status in _DETAILS:
        members["details"] = _DETAILS[status]
    error = Schema(type=OpenAPIType.OBJECT, required=["code", "message"], properties=members)
    body = Schema(type=OpenAPIType.OBJECT, required=["error"], properties={"error": error})
    return OpenAPIResponse(
        description=_listed(codes),
        content={"application/json": OpenAPIMediaType(schema=body)},
        headers=dict(_HEADERS.get(status, {})) or None,
    )


def _listed(codes: Iterable[str]) -> str:
    return "Refused: " + ", ".join(f"`{code}`" for code in codes)


def _reference(status: int) -> Reference:
    return Reference(ref=f"#/components/responses/{_name(status)}")


def _name(status: int) -> str:
    try:
        return HTTPStatus(status).name.title().replace("_", "")
    except ValueError:
        return f"Status{status}"

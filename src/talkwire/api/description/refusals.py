"""Which refusals each route can answer, for `/openapi.json`.

Litestar describes what a route answers when all goes well, and a refusal of a form that ours never have. Here every
route's description refers to our refusals instead, which `components.responses` has once each. They are worked out from
the route itself: whether it asks who is calling, takes a body or changes something. What cannot be worked out, a route
says with `opt=may_refuse(410)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import MappingProxyType

import msgspec
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

from talkwire.api.description.schemas import reference_to, schema_name
from talkwire.api.http.errors import STATUS
from talkwire.core.domain.errors import ErrorCode
from talkwire.dialects.replies import ErrorBody

_OPT = "refusals"

_OF_HTTP: Mapping[int, ErrorCode] = MappingProxyType(
    {
        400: "invalid_request",
        405: "invalid_request",
        408: "invalid_request",
        410: "not_found",
        412: "invalid_request",
        415: "invalid_request",
        416: "invalid_request",
        423: "conflict",
        460: "invalid_request",
    }
)
"""What a protocol over HTTP has statuses of its own for, such as the one for uploads (460: other bytes have come)."""

_CHECKSUM_MISMATCH = 460
"""The protocol's for uploads; Python has no name for it."""

_TEXT = Schema(type=OpenAPIType.STRING)
_COUNT = Schema(type=OpenAPIType.INTEGER, minimum=0)

_HEADERS: Mapping[int, Mapping[str, OpenAPIHeader]] = MappingProxyType(
    {
        401: {"WWW-Authenticate": OpenAPIHeader(schema=_TEXT, description="How to sign in")},
        429: {"Retry-After": OpenAPIHeader(schema=_COUNT, description="Seconds to wait")},
    }
)


class Error(msgspec.Struct, frozen=True):
    """The body of every refusal."""

    error: ErrorBody


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
    codes = sorted({code for code, its_status in STATUS.items() if its_status == status} | _of_http(status))
    schema = Reference(ref=reference_to(schema_name(Error)))
    example = {"error": {"code": codes[0], "message": f"{codes[0].replace('_', ' ').capitalize()}."}}
    return OpenAPIResponse(
        description=_listed(codes),
        content={"application/json": OpenAPIMediaType(schema=schema, example=example)},
        headers=dict(_HEADERS.get(status, {})) or None,
    )


def _listed(codes: Iterable[str]) -> str:
    return "Refused: " + ", ".join(f"`{code}`" for code in codes)


def _of_http(status: int) -> set[ErrorCode]:
    return {_OF_HTTP[status]} if status in _OF_HTTP else set()


def _reference(status: int) -> Reference:
    return Reference(ref=f"#/components/responses/{_name(status)}")


def _name(status: int) -> str:
    """The first of the status's error codes, such as `RateLimited`, or else what HTTP calls the status."""
    if status == _CHECKSUM_MISMATCH:
        return "ChecksumMismatch"
    words = next((code for code, its_status in STATUS.items() if its_status == status), HTTPStatus(status).name)
    return words.lower().title().replace("_", "")

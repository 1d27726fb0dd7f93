"""Refuses query parameters that a route does not have, so that a misspelt one is not ignored."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from talkwire.core.domain.errors import ChatError, did_you_mean

ANY_QUERY: Final = "any_query"
"""Key in a route's `opt`: others choose the parameters of its requests, such as an OpenID provider."""

ANY_KEY: Final = "<key>"
"""End of the name of a parameter that stands for all with the same beginning, such as `metadata.<key>`. The route reads
them from its request."""

_NAMES = "query_names"
_CREDENTIALS = frozenset({"token", "userId"})
"""Parameters by which requests of any route may sign in."""

_REPORTED = 5
"""Most unknown parameters that a refusal names."""

_SHOWN = 64
"""Longest part of an unknown parameter's name in a refusal, in characters."""


class QueryNames(ReceiveRoutePlugin):
    """A Litestar plugin that records the names of each REST route's query parameters, which `refuse_unknown_parameters`
    reads. It skips the routes of dialects, because their existing clients may send parameters of their own."""

    def receive_route(self, route: BaseRoute) -> None:
        if not isinstance(route, HTTPRoute) or not route.path.startswith("/api/"):
            return
        for handler, model in route.route_handler_map.values():
            if not handler.fn.__module__.startswith("talkwire.api.dialects.") and ANY_QUERY not in handler.opt:
                handler.opt[_NAMES] = frozenset(each.field_alias for each in model.expected_query_params)


def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raises `invalid_request` if the request has query parameters that its route does not have. Accepts any parameter
    for a route that `QueryNames` skipped, and credentials for every route."""
    known: frozenset[str] | None = request.route_handler.opt.get(_NAMES)
    if known is None:
        return
    beginnings = tuple(name.removesuffix(ANY_KEY) for name in known if name.endswith(ANY_KEY))
    unknown = [
        name
        for name in request.query_params
        if name not in known and name not in _CREDENTIALS and not name.startswith(beginnings)
    ]
    if not unknown:
        return
    details = [
        {"path": name[:_SHOWN], "message": f"is not a parameter here{did_you_mean(name, known)}"}
        for name in unknown[:_REPORTED]
    ]
    message = "; ".join(f"{each['path']}: {each['message']}" for each in details)
    raise ChatError("invalid_request", message, details)

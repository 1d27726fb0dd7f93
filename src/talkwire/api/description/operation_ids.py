"""Makes the `operationId` of each operation in `/openapi.json`, from which client generators name their functions.

The id is the name of the route's function in camelCase, prefixed with the dialect's name for routes of a dialect (the
API of one kind of client application): `sendMessage`, `talksSendMessage`. A route whose function name would be
ambiguous sets `operation_id=` itself.
"""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from talkwire.api.description.schemas import dialect_of

LONGEST = 40
"""Longest operation id, in characters; a test checks it."""

_ALIAS = "Alias"


def operation_id(handler: HTTPRouteHandler, _: Method, path: list[str | PathParameterDefinition]) -> str:
    """Returns the `operationId` of a route that does not set `operation_id=`: the route function's name in camelCase,
    after the name of the route's dialect if it has one, such as `talksSendMessage`. If the route has several paths, the
    ids of those outside `/api` have the suffix `Alias`."""
    words = [word for word in (dialect_of(handler.fn.__module__), *handler.fn.__name__.split("_")) if word]
    first, *others = words
    name = first + "".join(word.capitalize() for word in others)
    is_alias = len(handler.paths) > 1 and path[0] != "api"
    return name + _ALIAS if is_alias else name

"""The id of each operation in `/openapi.json`, which names the functions of generated clients.

It is the name of the route's function in camelCase, after the dialect's name where the route is a dialect's:
`sendMessage`, `talksSendMessage`. Where that name says too little by itself, the route gives `operation_id=`.
"""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from talkwire.api.description.schemas import dialect_of

LONGEST = 40
"""Characters of an id; a test checks each."""

_ALIAS = "Alias"


def operation_id(handler: HTTPRouteHandler, _: Method, path: list[str | PathParameterDefinition]) -> str:
    """Returns the id of a route that states none. A route of several paths has the plain id below `/api`; its other
    paths are aliases."""
    words = [word for word in (dialect_of(handler.fn.__module__), *handler.fn.__name__.split("_")) if word]
    first, *others = words
    name = first + "".join(word.capitalize() for word in others)
    is_alias = len(handler.paths) > 1 and path[0] != "api"
    return name + _ALIAS if is_alias else name

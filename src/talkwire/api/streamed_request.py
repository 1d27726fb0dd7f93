"""Requests whose bodies their routes read as they arrive, instead of as one JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request

STREAM_PATH = "/api/v1/messages/stream"
"""Path of the route that writes a message while its text arrives."""

STREAM_FORMAT = "format"
"""Name of the parameter by which the route of `STREAM_PATH` reads the message from its body."""

STREAMED = "streamed"
"""Key in a route's `opt`: the parameter of the query with which it reads its body itself."""

BODIES = "streamed_bodies"
"""Key in a route's `opt`: the bodies that it reads itself, by their media types."""


def takes_streams(parameter: str, bodies: Mapping[str, str]) -> Mapping[str, object]:
    """Returns the options of a route that reads the body itself if the query has a parameter, and else takes JSON.
    `bodies` describes the bodies that it reads, by their media types."""
    return {STREAMED: parameter, BODIES: bodies}


def is_streamed(request: Request[Any, Any, Any]) -> bool:
    """Returns whether the request's route reads its body itself."""
    parameter = request.route_handler.opt.get(STREAMED)
    return parameter is not None and parameter in request.query_params


def has_parameter(query: bytes, parameter: str) -> bool:
    """Returns whether a query has a parameter, as `is_streamed` does for a request that has not reached its route."""
    return any(name == parameter for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))

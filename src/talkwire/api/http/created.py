"""How a creation answers that may find the conversation there already: 201, or 200."""

from __future__ import annotations

from typing import TypeVar

from litestar import Response
from litestar.openapi import ResponseSpec
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from talkwire.core.commands.conversations import ConversationView

T = TypeVar("T")


def existing(payload: type) -> dict[int, ResponseSpec]:
    """Returns what a route's description has beside 201."""
    return {HTTP_200_OK: ResponseSpec(payload, description="The conversation existed", generate_examples=False)}


def created_or_existing(view: ConversationView, payload: T) -> Response[T]:
    return Response(payload, status_code=HTTP_200_OK if view.existed else HTTP_201_CREATED)

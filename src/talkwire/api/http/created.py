"""Responses of routes that create a conversation (status 201) or return the conversation that exists already (status
200)."""

from __future__ import annotations

from typing import TypeVar

from litestar import Response
from litestar.openapi import ResponseSpec
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from talkwire.core.commands.conversations import ConversationView

T = TypeVar("T")


def existing(payload: type) -> dict[int, ResponseSpec]:
    """Returns the `responses=` of a route that creates a conversation with status 201. It documents that the route
    responds with status 200 and a `payload` if the conversation already existed."""
    return {HTTP_200_OK: ResponseSpec(payload, description="The conversation already existed", generate_examples=False)}


def created_or_existing(view: ConversationView, payload: T) -> Response[T]:
    return Response(payload, status_code=HTTP_200_OK if view.existed else HTTP_201_CREATED)

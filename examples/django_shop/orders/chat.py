"""The shop's side of the chat: tokens for its users, and a conversation for each order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
from django.conf import settings

from .models import Order


def _signed(**claims: str) -> str:
    expires = datetime.now(UTC) + timedelta(minutes=15)
    return jwt.encode({"exp": expires, **claims}, settings.JWT_SECRET, algorithm="HS256")


def token_of(user: Any) -> str:  # noqa: ANN401 (Django comes without types)
    """Returns a token with which a user of the shop signs in to the chat."""
    return _signed(sub=str(user.pk), name=user.get_full_name() or user.get_username())


def conversation_of(order: Order, support: Any) -> str:  # noqa: ANN401 (Django comes without types)
    """Returns the id of the conversation about an order, after making sure that it exists."""
    conversation = {
        "id": f"order-{order.pk}",
        "kind": "group",
        "name": str(order),
        "memberIds": [str(order.buyer.pk), str(support.pk)],
        "notify": "all",
    }
    shop = {"Authorization": f"Bearer {_signed(sub='shop', role='service')}"}
    # A second request with the same members returns the existing conversation.
    url = f"{settings.TALKWIRE}/api/v1/conversations"
    httpx.post(url, json=conversation, headers=shop).raise_for_status()
    return str(conversation["id"])

"""The shop's side of the chat: tokens for its users, a conversation for each order, and the team that answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import jwt
from django.conf import settings
from django.contrib.auth.models import User

from .models import Order

TEAM = "support"


def _signed(**claims: str) -> str:
    expires = datetime.now(UTC) + timedelta(minutes=15)
    return jwt.encode({"exp": expires, **claims}, settings.JWT_SECRET, algorithm="HS256")


def _request(method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (options of httpx)
    """Sends a request to Talkwire as the shop itself."""
    shop = {"Authorization": f"Bearer {_signed(sub='shop', role='service')}"}
    return httpx.request(method, f"{settings.TALKWIRE}/api/v1/{path}", headers=shop, **options)


def token_of(user: Any) -> str:  # noqa: ANN401 (Django comes without types)
    """Returns a token with which a user of the shop signs in to the chat."""
    return _signed(sub=str(user.pk), name=user.get_full_name() or user.get_username())


def put_team() -> None:
    """Makes all people of the shop the team that answers customers."""
    members = [str(each.pk) for each in User.objects.filter(is_staff=True)]
    _request("PUT", f"teams/{TEAM}", json={"name": "Support", "memberIds": members}).raise_for_status()


def join_team(user: Any) -> None:  # noqa: ANN401 (Django comes without types)
    """Adds a colleague to the team, and so to the conversations about all orders."""
    _request("POST", f"teams/{TEAM}/members", json={"userIds": [str(user.pk)]}).raise_for_status()


def conversation_of(order: Order) -> str:
    """Returns the id of the conversation about an order, after making sure that it exists."""
    conversation = {
        "id": f"order-{order.pk}",
        "kind": "group",
        "name": str(order),
        "memberIds": [str(order.buyer.pk)],
        "teamIds": [TEAM],
        "notify": "all",
    }
    # A second request with the same members returns the existing conversation.
    _request("POST", "conversations", json=conversation).raise_for_status()
    return str(conversation["id"])


def open_conversations() -> list[dict[str, Any]]:
    """Returns the team's open conversations, first those in which a customer waits for the longest time."""
    wanted = {"teamId": TEAM, "state": "open", "order": "waitingSince", "limit": "50"}
    found: list[dict[str, Any]] = _request("GET", "conversations", params=wanted).raise_for_status().json()["items"]
    return found


def claim(conversation_id: str, user: Any) -> None:  # noqa: ANN401 (Django comes without types)
    """Makes somebody of the shop the handler of a conversation, unless a colleague was faster."""
    answer = _request("POST", f"conversations/{conversation_id}/claim", json={"senderId": str(user.pk)})
    if answer.status_code != HTTPStatus.CONFLICT:
        answer.raise_for_status()

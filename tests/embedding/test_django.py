"""Django's ASGI application below a path, beside the chat, in another ASGI server."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import django.conf
import httpx
import pytest
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path, reverse
from starlette.applications import Starlette
from starlette.routing import Mount

from talkwire import Settings, Talkwire
from talkwire.identity.issuer import TokenIssuer

SECRET = "a secret for tests, of more than 32 characters"
RUNNING: list[Talkwire] = []


async def _order(request: HttpRequest, number: int) -> JsonResponse:
    received = await RUNNING[-1].send_to_user("alice", "order:shipped", {"id": number})
    return JsonResponse({"path": request.path, "address": reverse("order", args=[number]), "sockets": received})


@pytest.fixture(scope="module")
def shop() -> Any:  # noqa: ANN401 (Django comes without types)
    """Returns a shop's ASGI application. Django has one configuration in a process."""
    addresses = ModuleType("addresses_of_the_shop")
    addresses.urlpatterns = [path("orders/<int:number>", _order, name="order")]  # type: ignore[attr-defined]
    sys.modules[addresses.__name__] = addresses
    django.conf.settings.configure(ALLOWED_HOSTS=["localhost"], ROOT_URLCONF=addresses.__name__)
    return get_asgi_application()


@pytest.mark.parametrize("way", ["behind a proxy that removes the path", "mounted beside the chat", "the chat around"])
async def test_django_below_a_path_makes_addresses_there_and_uses_the_chat(
    tmp_path: Path,
    shop: Any,  # noqa: ANN401 (ASGI)
    way: str,
) -> None:
    settings: dict[str, Any] = {"data": tmp_path / "data", "jwt_secret": SECRET}
    root_path, chats = "", "/chat"
    if way == "behind a proxy that removes the path":  # uvicorn --root-path /shop
        chat = Talkwire(Settings(prefix="/chat", **settings), app=shop)
        served: Any = chat
        root_path = "/shop"
        chats = "/shop/chat"
    elif way == "mounted beside the chat":
        chat = Talkwire(Settings(**settings))
        served = Starlette(routes=[Mount("/shop", shop), Mount("/chat", chat)])
    else:
        chat = Talkwire(Settings(prefix="/chat", **settings), app=Starlette(routes=[Mount("/shop", shop)]))
        served = chat
    RUNNING.append(chat)
    transport = httpx.ASGITransport(served, root_path=root_path)
    async with chat.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        order = {"path": "/shop/orders/7", "address": "/shop/orders/7", "sockets": 0}
        assert (await http.get("/shop/orders/7")).json() == order
        assert (await http.get("/shop/nothing")).status_code == 404
        headers = {"Authorization": f"Bearer {TokenIssuer(SECRET).issue('alice', ttl_s=600)}"}
        assert (await http.get(f"{chats}/api/v1/users/me", headers=headers)).json()["id"] == "alice"
        assert "Talkwire" in (await http.get(f"{chats}/")).text
        assert (await http.get(f"{chats}/socket.io/?EIO=4&transport=polling")).text.startswith('0{"sid"')

"""A shop on Django, with chat on the same port: `python examples/embedding/django_shop.py PORT`.

    GET  /                   the shop's own page
    GET  /orders/7           an order's status
    POST /orders/7/ship      ships it, and tells the buyer's sockets
    GET  /messages-sent      how many messages have been sent in the chat
    everything else          Talkwire's, see docs/embedding.md

One file, where a real project has `settings.py`, `urls.py` and `asgi.py`: the last is where Talkwire goes. Settings of
Talkwire come from the environment: TALKWIRE_DATA, JWT_SECRET and so on.
"""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from msgspec.structs import replace

from talkwire import Actor, ClientSocket, Refused, Talkwire
from talkwire.commands import CreateConversation, SendMessage
from talkwire.events import MessageSent

if TYPE_CHECKING:
    from django.http import HttpRequest

BUYERS = {"7": "alice"}
STATUS = {"7": "paid"}
SENT: list[int] = []


async def front_page(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 (a view's form)
    return HttpResponse("<h1>A shop on Django</h1>")


def show_order(request: HttpRequest, order_id: str) -> JsonResponse:  # noqa: ARG001 (a view's form)
    return JsonResponse({"id": order_id, "status": STATUS[order_id]})


@csrf_exempt  # type: ignore[untyped-decorator]  # Django comes without types
@require_POST  # type: ignore[untyped-decorator]
async def ship(request: HttpRequest, order_id: str) -> JsonResponse:  # noqa: ARG001 (a view's form)
    STATUS[order_id] = "shipped"
    await ensure_lobby()
    sockets = await chat.send_to_user(BUYERS[order_id], "order:shipped", {"id": order_id})
    await chat.send_message("lobby", sender=BUYERS[order_id], content=f"Order {order_id} is on its way!")
    return JsonResponse({"sockets": sockets})


async def messages_sent(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 (a view's form)
    return JsonResponse(len(SENT), safe=False)


async def ensure_lobby() -> None:
    """Creates the conversation on first use: Django has no ASGI lifespan in which it could be created."""
    try:
        await chat.execute(CreateConversation("group", ("alice", "bob"), name="Lobby", id="lobby"))
    except Refused as refusal:
        if refusal.code != "conflict":  # it exists already
            raise


urlpatterns = [
    path("", front_page),
    path("orders/<order_id>", show_order),
    path("orders/<order_id>/ship", ship),
    path("messages-sent", messages_sent),
]

django_settings.configure(
    SECRET_KEY=secrets.token_urlsafe(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
)
chat = Talkwire(app=get_asgi_application())


@chat.on("order:track")
async def track(socket: ClientSocket, data: Any) -> dict[str, str]:  # noqa: ANN401 (whatever a client sends)
    order_id = data.get("id") if isinstance(data, dict) else None
    if BUYERS.get(str(order_id)) != socket.user_id:
        raise Refused("not_found", "You have no such order.")
    return {"status": STATUS[str(order_id)]}


@chat.before(SendMessage)
def moderate(actor: Actor, command: SendMessage) -> SendMessage | None:  # noqa: ARG001 (a hook's form)
    if "buy elsewhere" in command.content:
        raise Refused("forbidden", "No advertisements, please.")
    return replace(command, content=command.content.replace("damn", "****"))


@chat.after(MessageSent)
def count(event: MessageSent) -> None:
    SENT.append(event.message.id)


if __name__ == "__main__":
    chat.run(port=int(sys.argv[1]))

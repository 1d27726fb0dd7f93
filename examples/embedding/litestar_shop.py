"""A shop on Litestar, with chat on the same port: `python examples/embedding/litestar_shop.py PORT`.

    GET  /                   the shop's own page
    GET  /orders/7           an order's status
    POST /orders/7/ship      ships it, and tells the buyer's sockets
    GET  /messages-sent      how many messages have been sent in the chat
    WebSocket /prices        the shop's own
    everything else          Talkwire's, see docs/embedding.md

Settings come from the environment: TALKWIRE_DATA, JWT_SECRET and so on.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from litestar import Litestar, MediaType, get, post, websocket_listener
from msgspec.structs import replace

from talkwire import Actor, ClientSocket, Refused, Talkwire
from talkwire.commands import CreateConversation, SendMessage
from talkwire.events import MessageSent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUYERS = {"7": "alice"}
STATUS = {"7": "paid"}
SENT: list[int] = []


@get("/", media_type=MediaType.HTML)
async def front_page() -> str:
    return "<h1>A shop on Litestar</h1>"


@get("/orders/{order_id:str}")
async def show_order(order_id: str) -> dict[str, str]:
    return {"id": order_id, "status": STATUS[order_id]}


@post("/orders/{order_id:str}/ship", status_code=200)
async def ship(order_id: str) -> dict[str, int]:
    STATUS[order_id] = "shipped"
    sockets = await chat.send_to_user(BUYERS[order_id], "order:shipped", {"id": order_id})
    await chat.send_message("lobby", sender=BUYERS[order_id], content=f"Order {order_id} is on its way!")
    return {"sockets": sockets}


@get("/messages-sent")
async def messages_sent() -> int:
    return len(SENT)


@websocket_listener("/prices")
async def prices(data: str) -> str:
    return f"{data}: 3.50"


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    try:
        await chat.execute(CreateConversation("group", ("alice", "bob"), name="Lobby", id="lobby"))
    except Refused as refusal:
        if refusal.code != "conflict":  # it exists since an earlier start
            raise
    yield


app = Litestar([front_page, show_order, ship, messages_sent, prices], lifespan=[lifespan])
chat = Talkwire(app=app)


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

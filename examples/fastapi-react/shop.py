"""A shop on FastAPI whose customers chat about an order on the order's page, in React.

pip install fastapi httpx pyjwt uvicorn
JWT_SECRET=… TALKWIRE=http://localhost:3000 uvicorn shop:app --port 8000
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx
import jwt
from fastapi import Cookie, Depends, FastAPI, HTTPException
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

TALKWIRE = os.environ["TALKWIRE"]
PAGE = Path(__file__).parent / "page" / "dist"

orders = {17: {"buyer": "alice", "status": "paid"}}
sessions: dict[str, str] = {}


def signed(**claims: str) -> str:
    """Returns a token that Talkwire accepts, since both have the secret."""
    expires = datetime.now(UTC) + timedelta(minutes=15)
    return jwt.encode({"exp": expires, **claims}, os.environ["JWT_SECRET"], algorithm="HS256")


async def tell(path: str, body: Mapping[str, object]) -> None:
    """Sends a request to Talkwire as the shop, which may act for its users."""
    headers = {"Authorization": f"Bearer {signed(sub='shop', role='service')}"}
    async with httpx.AsyncClient(base_url=TALKWIRE, headers=headers) as talkwire:
        (await talkwire.post(path, json=body)).raise_for_status()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Creates the orders' conversations. A real shop does so where it takes an order."""
    for number, order in orders.items():
        members = [order["buyer"], "support"]
        conversation = {
            "id": f"order-{number}",
            "kind": "group",
            "name": f"Order {number}",
            "memberIds": members,
            "notify": "all",
        }
        # A second request with the same members returns the existing conversation.
        await tell("/api/v1/conversations", conversation)
    yield


app = FastAPI(lifespan=lifespan)


def customer(session: Annotated[str, Cookie()] = "") -> str:
    """Returns who is signed in."""
    if session not in sessions:
        raise HTTPException(401, "Sign in first.")
    return sessions[session]


Customer = Annotated[str, Depends(customer)]


@app.get("/sign-in")
def sign_in(name: str) -> RedirectResponse:
    """Signs in anybody who says a name, which a real shop does not."""
    session = secrets.token_urlsafe()
    sessions[session] = name
    response = RedirectResponse("/")
    response.set_cookie("session", session, httponly=True, samesite="lax")
    return response


@app.get("/chat-token", response_class=PlainTextResponse)
def chat_token(user: Customer) -> PlainTextResponse:
    return PlainTextResponse(signed(sub=user, name=user.title()), headers={"Cache-Control": "no-store"})


@app.get("/orders/{number}")
def show_order(number: int, user: Customer) -> dict[str, object]:
    order = orders.get(number)
    if order is None or user not in {order["buyer"], "support"}:
        raise HTTPException(404, "You have no such order.")
    return {"number": number, "status": order["status"], "conversation": f"order-{number}", "talkwire": TALKWIRE}


@app.post("/orders/{number}/ship")
async def ship(number: int) -> dict[str, str]:
    """Ships an order and says so in its conversation. A real shop asks who wants that."""
    orders[number]["status"] = "shipped"
    news = {"conversationId": f"order-{number}", "senderId": "support", "content": "Your order is on its way."}
    await tell("/api/v1/messages", news)
    return orders[number]


# Last, since it answers everything else.
app.mount("/", StaticFiles(directory=PAGE, html=True))

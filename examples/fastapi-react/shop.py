"""A shop on FastAPI: customers chat about an order on its page, and the shop's staff answers them at a desk, in React.

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
from fastapi import Cookie, Depends, FastAPI, HTTPException, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles

TALKWIRE = os.environ["TALKWIRE"]
PAGES = Path(__file__).parent / "page" / "dist"
TEAM = "support"

orders = {17: {"buyer": "alice", "status": "paid"}, 18: {"buyer": "bob", "status": "paid"}}
staff = ["sam"]
sessions: dict[str, str] = {}


def signed(**claims: str) -> str:
    """Returns a token that Talkwire accepts, since both have the secret."""
    expires = datetime.now(UTC) + timedelta(minutes=15)
    return jwt.encode({"exp": expires, **claims}, os.environ["JWT_SECRET"], algorithm="HS256")


async def request(method: str, path: str, body: Mapping[str, object]) -> None:
    """Sends a request to Talkwire as the shop, which may act for its users."""
    headers = {"Authorization": f"Bearer {signed(sub='shop', name='The shop', role='service')}"}
    async with httpx.AsyncClient(base_url=f"{TALKWIRE}/api/v1/", headers=headers) as talkwire:
        (await talkwire.request(method, path, json=body)).raise_for_status()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Makes the staff a team, and creates the orders' conversations. A real shop does so where it takes an order."""
    for name in staff:
        await request("PUT", f"users/{name}", {"name": name.title()})
    await request("PUT", f"teams/{TEAM}", {"name": "Support", "memberIds": staff})
    for number, order in orders.items():
        conversation = {
            "id": f"order-{number}",
            "kind": "group",
            "name": f"Order {number}",
            "memberIds": [order["buyer"]],
            "teamIds": [TEAM],
            "notify": "all",
        }
        # A second request with the same members returns the existing conversation.
        await request("POST", "conversations", conversation)
    yield


app = FastAPI(lifespan=lifespan)


def signed_in(session: Annotated[str, Cookie()] = "") -> str:
    """Returns who is signed in."""
    if session not in sessions:
        raise HTTPException(401, "Sign in first.")
    return sessions[session]


User = Annotated[str, Depends(signed_in)]


@app.get("/sign-in")
def sign_in(name: str) -> RedirectResponse:
    """Signs in anybody who gives a name, which a real shop does not."""
    session = secrets.token_urlsafe()
    sessions[session] = name
    response = RedirectResponse("/desk/" if name in staff else "/")
    response.set_cookie("session", session, httponly=True, samesite="lax")
    return response


@app.get("/chat")
def chat(user: User, response: Response) -> dict[str, str]:
    """Returns where the chat is, and a token for the user who is signed in."""
    response.headers["Cache-Control"] = "no-store"
    return {"url": TALKWIRE, "token": signed(sub=user, name=user.title())}


@app.get("/order")
def show_order(user: User) -> dict[str, object]:
    """Returns the customer's order."""
    for number, order in orders.items():
        if order["buyer"] == user:
            return {"number": number, "status": order["status"], "conversation": f"order-{number}"}
    raise HTTPException(404, "You have no order.")


@app.post("/orders/{number}/ship")
async def ship(number: int) -> dict[str, str]:
    """Ships an order, with a notice in its conversation. A real shop asks who wants that."""
    orders[number]["status"] = "shipped"
    notice = {"conversationId": f"order-{number}", "type": "system", "content": "Your order is on its way."}
    await request("POST", "messages", notice)
    return orders[number]


@app.post("/staff/{name}")
async def hire(name: str) -> list[str]:
    """Adds a colleague to the team, and so to all conversations. A real shop asks who wants that."""
    await request("PUT", f"users/{name}", {"name": name.title()})
    await request("POST", f"teams/{TEAM}/members", {"userIds": [name]})
    staff.append(name)
    return staff


# Last, since it answers everything else.
app.mount("/", StaticFiles(directory=PAGES, html=True))

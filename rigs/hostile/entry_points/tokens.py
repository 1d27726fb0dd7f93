"""What the server itself has given out, as others would make it up: tokens, cursors, pids and offsets."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from hashlib import sha256

from rigs.hostile.connections import ConnectionEnded, HttpConnection, text_frame
from rigs.hostile.run import Run
from rigs.hostile.scene import ACTING
from rigs.hostile.values import to_json
from tests.chat.chat_server import SECRET

_SUBJECTS = ("member", "", "a/b", "me", "online", "x" * 129, "8000000000000001", "\x00", "\ud800", 7, None, ["member"])
_ALGORITHMS = ("HS256", "none", "None", "HS384", "RS256", "ES256", "", None, 7)
_INSTANTS: tuple[object, ...] = (
    0,
    -1,
    1,
    2**31,
    2**53,
    2**63,
    10**40,
    1e308,
    float("inf"),
    float("nan"),
    "soon",
    None,
    [],
    253402300800,
)
_PATHS = (
    "/api/v1/users/me",
    "/api/v1/sync?after={}",
    "/api/v1/conversations?cursor={}",
    "/api/v1/notifications?cursor={}",
    "/api/v1/users?query=r&cursor={}",
    "/api/v1/search?q=word&cursor={}",
    "/api/v1/conversations/commons/offers?cursor={}",
    "/api/v1/conversations/commons/messages?before={}",
    "/api/v1/talks?cursor={}",
)


async def attack(run: Run) -> None:
    http = HttpConnection(run.address)
    while run.goes_on():
        if run.values.chance(0.8):
            await run.exchange(http, [_request(run) for _ in range(4)])
        else:
            await _connect(run)
    http.close()


def _request(run: Run) -> bytes:
    path = run.random.choice(_PATHS)
    good = run.scene.tokens[run.random.choice(ACTING)]
    token = token_like(run) if path == _PATHS[0] or run.values.chance(0.1) else good
    path = path.format(run.values.quoted(cursor_like(run)[:3000]))
    head = f"GET {path} HTTP/1.1\r\nHost: {run.host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    return head.encode("latin-1", "replace")


async def _connect(run: Run) -> None:
    """Sends a CONNECT that asks for recovery, or authenticates in an unusual way."""
    auth = {
        "token": run.scene.tokens["member"] if run.values.chance(0.7) else token_like(run),
        "recovery": run.random.choice((True, True, False, "yes")),
        "pid": cursor_like(run),
        "offset": cursor_like(run),
    }
    packet = f"40{to_json({name: value for name, value in auth.items() if run.values.chance(0.8)})}"
    websocket = await run.open_session()
    if websocket is None:
        return
    websocket.send(text_frame(packet))
    try:
        async with asyncio.timeout(10):
            answer = await websocket.receive_text()
        run.count(answer[:2])
        if '"unavailable"' in answer:
            run.fail(packet.encode(), answer)
    except ConnectionEnded:
        run.count("closed")
    except TimeoutError:
        run.fail(packet.encode(), "no answer")
    websocket.close()


def token_like(run: Run) -> str:
    """A token whose signature may be right, and whose claims may be anything."""
    draw = run.random
    if draw.random() < 0.1:
        return "".join(character for character in run.values.text()[:2000] if " " <= character <= "\xff")
    header: dict[str, object] = {"alg": "HS256" if draw.random() < 0.7 else draw.choice(_ALGORITHMS), "typ": "JWT"}
    if draw.random() < 0.1:
        header[draw.choice(("kid", "crit", "jku", "zip", "b64"))] = run.values.json()
    claims: dict[str, object] = {"sub": "member" if draw.random() < 0.5 else draw.choice(_SUBJECTS), "exp": 2**33}
    for name in ("exp", "nbf", "iat"):
        if draw.random() < 0.25:
            claims[name] = draw.choice(_INSTANTS)
    for name in ("name", "role", "iss", "aud", "sid", "avatar", "permissions"):
        if draw.random() < 0.1:
            claims[name] = run.values.json()
    body = f"{_encoded(to_json(header).encode())}.{_encoded(to_json(claims).encode())}"
    signature = _encoded(hmac.digest(SECRET.encode(), body.encode(), sha256))
    if draw.random() < 0.2:
        signature = draw.choice(("", signature[:-1], signature + "=", "A" * 43, "é"))
    return f"{body}.{signature}"


def cursor_like(run: Run) -> str:
    """A cursor, a pid or an offset that the server gave out, changed a little; or something else."""
    draw = run.random
    if draw.random() < 0.2:
        return run.values.text()[:2500]
    cursor = draw.choice(run.scene.pools["cursor"])
    kind = draw.random()
    if kind < 0.2:
        return cursor
    if kind < 0.5:
        epoch, _, _ = cursor.partition("-")
        return f"{epoch}-{draw.choice(('0', '-1', '1', '99999999', '9' * 19, '9' * 60, '1-1', '1.5', 'x', ''))}"
    if kind < 0.7:
        return _encoded(json.dumps([run.values.json() for _ in range(draw.randrange(1, 8))]).encode())[:2000]
    position = draw.randrange(len(cursor))
    return cursor[:position] + draw.choice(("", "A", "-", "\x00", cursor)) + cursor[position + 1 :]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

"""Socket.IO packets: texts that begin like one, JSON inside them, attachments and invalid attachments."""

from __future__ import annotations

from rigs.hostile.run import Run
from rigs.hostile.scene import COMMON
from rigs.hostile.values import to_json

_NAMESPACES = (
    "",
    "/,",
    "/talks,",
    "/chat,",
    "/messages,",
    "/gateway,",
    "/none,",
    "/a?b=c,",
    "/\x00,",
    "/" + "n" * 500 + ",",
)
_IDS = ("", "0", "7", "99999999999999999999", "9" * 400, "-1", " ", "1.5", "٣")
_EVENTS = ("message:send", "message:new", "ping", "no:such", "sync", "connect", "disconnect", "__proto__", "error", "")
_WHOLE = (
    "",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "2[]",
    "2{}",
    "2[null]",
    "2[{}]",
    "0[]",
    "0null",
    '0"x"',
    "1{}",
    '5["a"]',
)
_COUNTS = ("", "0-", "1-", "2-", "10-", "11-", "-1-", "1", "9" * 300 + "-", "٣-")


def harmless(run: Run, namespace: str = "") -> str:
    """Returns a packet that is valid in every state: an unknown event, or an ack that no call waits for."""
    draw = run.random
    if draw.random() < 0.3:
        return f"3{namespace}{draw.choice(('1', '77', '99999'))}{to_json([run.values.json()])}"
    arguments = [run.values.json() for _ in range(draw.randrange(3))]
    return f"2{namespace}{draw.choice(('', '5'))}{to_json([draw.choice(('no:such', 'ping', 'sync', 7)), *arguments])}"


def packet(run: Run) -> str:
    """A packet that may break the protocol."""
    draw, values = run.random, run.values
    kind = draw.random()
    if kind < 0.2:
        return draw.choice(_WHOLE)
    if kind < 0.3:
        return draw.choice("0123456789b") + values.text()[:500]
    type_ = draw.choice("01234567")
    count = draw.choice(_COUNTS) if type_ in "56" or kind > 0.95 else ""
    body = to_json(_body(run, type_))
    if values.chance(0.15):
        body = values.broken(body)
    return f"{type_}{count}{draw.choice(_NAMESPACES)}{draw.choice(_IDS)}{body}"


def _body(run: Run, type_: str) -> object:
    draw, values = run.random, run.values
    if type_ == "0":
        auth = {"token": values.json(), "pid": values.json(), "offset": values.json(), "recovery": True}
        return {name: value for name, value in auth.items() if draw.random() < 0.6}
    if type_ in "56":
        place = {"_placeholder": True, "num": draw.choice((0, 1, -1, 5, "splice", 10**40, None, 0.5))}
        stored = {"conversationId": COMMON[0], "content": "a", "metadata": {"a": [place] * draw.choice((1, 1_000))}}
        return [draw.choice(_EVENTS), draw.choice((place, [place, place], {"a": {"b": place}}, stored, values.json()))]
    return [draw.choice((*_EVENTS, values.json())), *(values.json() for _ in range(draw.randrange(3)))]

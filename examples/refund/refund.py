"""A back end that refunds an order once two of four people have approved, with the amount that the second one approves.

pip install "$CLONE"/dist/talkwire_client-*.whl pyjwt[crypto] rfc8785    # docs/packages.md
JWT_SECRET=… python refund.py http://localhost:3000 refunds 7 10.50 refunds.db

`refunds` is a conversation of the users `shop`, `ann`, `ben`, `cleo` and `dan`. The program may be killed at any time,
and started again: it asks once and refunds once.
"""

import asyncio
import hashlib
import os
import sqlite3
import sys
import time
from typing import Any

import jwt
import rfc8785

from talkwire_client import AskedCard, Talkwire

DIGESTED = {"title", "text", "fields", "actions", "decide", "who", "subject"}


def service_token() -> str:
    claims = {"sub": "backend", "role": "service", "exp": int(time.time()) + 600}
    return jwt.encode(claims, os.environ["JWT_SECRET"], algorithm="HS256")


def card_for(order: str, paid: float) -> AskedCard:
    amount = {"type": "number", "title": "Amount in EUR", "minimum": 0.01, "maximum": paid}
    schema: Any = {"type": "object", "properties": {"amount": amount}, "required": ["amount"]}
    return {
        "title": f"Refund order {order}?",
        "fields": [{"label": "Paid", "value": f"{paid:.2f} EUR"}],
        "actions": [
            {"id": "approve", "label": "Approve", "input": {"schema": schema, "values": {"amount": paid}}},
            {"id": "decline", "label": "Decline", "style": "danger"},
        ],
        "decide": {"approve": 2, "decline": 1},
        "who": {"users": ["ann", "ben", "cleo", "dan"]},
        "subject": {"order": order, "paid": paid},
    }


def approved_amount(receipt: str, keys: dict[str, Any], issuer: str, message_id: str, card: AskedCard) -> float:
    """Returns the amount. Raises an exception unless the server has signed that this card was approved."""
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(receipt)["kid"]]
    claims = jwt.decode(receipt, key, algorithms=["ES256"], issuer=issuer)
    asked: Any = {name: value for name, value in card.items() if name in DIGESTED}
    digest = hashlib.sha256(rfc8785.dumps(asked)).hexdigest()  # made here, so it is of what this program has asked
    if (claims["sub"], claims["digest"], claims.get("actionId")) != (message_id, digest, "approve"):
        raise ValueError("this receipt is of another decision")
    return float(claims["input"]["amount"])


def refund(ledger: sqlite3.Connection, order: str, amount: float, receipt: str) -> bool:
    """Returns whether the refund is new. A payment provider would get the order as its idempotency key."""
    with ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS refunds (order_id PRIMARY KEY, amount, receipt)")
        row = (order, amount, receipt)
        return ledger.execute("INSERT OR IGNORE INTO refunds VALUES (?, ?, ?)", row).rowcount == 1


async def main(url: str, conversation: str, order: str, paid: float, ledger: sqlite3.Connection) -> None:
    card = card_for(order, paid)
    async with Talkwire(url, token=service_token) as chat:
        ended = await chat.ask(conversation, card, client_message_id=f"refund-{order}", sender_id="shop")
        if ended.get("actionId") != "approve":
            print(f"not refunded: {ended.get('actionId', ended['state'])}")
            return
        receipt = await chat.card_receipt(ended["messageId"])
        keys = await chat.request("GET", "/.well-known/talkwire-receipts.json")
    amount = approved_amount(receipt, keys, url, ended["messageId"], card)
    print(f"refunded {amount:.2f} EUR" if refund(ledger, order, amount, receipt) else "refunded before")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), sqlite3.connect(sys.argv[5])))

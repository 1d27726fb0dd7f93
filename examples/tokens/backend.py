"""An application's backend, which creates a conversation between two of its users and sends a message as one of them.

pip install httpx pyjwt
JWT_SECRET=… python backend.py http://localhost:3000
"""

import os
import sys
from datetime import UTC, datetime, timedelta

import httpx
import jwt

claims = {"sub": "shop", "role": "service", "exp": datetime.now(UTC) + timedelta(minutes=1)}
token = jwt.encode(claims, os.environ["JWT_SECRET"], algorithm="HS256")

with httpx.Client(base_url=f"{sys.argv[1]}/api/v1", headers={"Authorization": f"Bearer {token}"}) as chat:
    order = {"kind": "group", "id": "order-17", "name": "Order 17", "memberIds": ["alice", "bob"]}
    chat.post("/conversations", json=order).raise_for_status()
    question = {"conversationId": "order-17", "senderId": "alice", "content": "Is it on its way?"}
    answer = chat.post("/messages", json=question, headers={"Idempotency-Key": "order-17-question"})
    print(answer.raise_for_status().json()["id"])

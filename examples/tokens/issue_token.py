"""A chat token for a signed-in user, as an application's own backend issues it.

pip install pyjwt
JWT_SECRET=… python issue_token.py USER NAME
"""

import os
import sys
from datetime import UTC, datetime, timedelta

import jwt


def chat_token(user_id: str, name: str) -> str:
    claims = {"sub": user_id, "name": name, "exp": datetime.now(UTC) + timedelta(minutes=15)}
    return jwt.encode(claims, os.environ["JWT_SECRET"], algorithm="HS256")


if __name__ == "__main__":
    print(chat_token(*sys.argv[1:]))

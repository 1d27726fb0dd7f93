"""Executes one command, retrying until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from rigs.torture.clients.client_socket import Json, Unanswered
from rigs.torture.history import Command, History, Try

AGAIN_S = 0.2
TRY_AGAIN_CODES = frozenset({"unavailable", "rate_limited"})


@dataclass
class Stopping:
    """The two stages of stopping. `acting`: clients start new commands. `trying`: clients retry pending commands."""

    acting: bool = True
    trying: bool = True
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


Attempt = Callable[[int], Awaitable[tuple[bool, str, int | None]]]
"""Number of the attempt -> (whether it was executed, the error code, the id of the message in the answer)"""


async def carry_out(
    command: Command,
    attempt: Attempt,
    history: History,
    stopping: Stopping,
    can_try: Callable[[], bool] = lambda: True,
) -> bool:
    """Returns whether the command was acknowledged; False if it was refused, or abandoned at the campaign's end.
    `can_try` returns whether the client is connected: like an application, it sends nothing before.
    """
    while stopping.trying:
        if not can_try():
            await asyncio.sleep(0.05)
            continue
        tried = Try(history.now())
        command.tries.append(tried)
        try:
            done, says, message_id = await attempt(len(command.tries))
        except Unanswered as silence:
            tried.until, tried.outcome, tried.says = history.now(), "unknown", str(silence)
        else:
            tried.until, tried.says, tried.message_id = history.now(), says, message_id
            tried.outcome = "acked" if done else "unknown" if says in TRY_AGAIN_CODES else "refused"
            if tried.outcome != "unknown":
                return done
        await asyncio.sleep(min(1.0, AGAIN_S * len(command.tries)))
    return False


def outcome_of(answer: Json) -> tuple[bool, str]:
    """Of an acknowledgement: (carried out, code of the refusal)."""
    if answer.get("success") is True:
        return True, ""
    error = answer.get("error")
    return False, str(error["code"]) if isinstance(error, dict) else f"no code: {answer}"

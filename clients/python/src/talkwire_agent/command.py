"""Runs the agent as the command line says."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

from talkwire_agent.agent import Agent, AgentSettings
from talkwire_agent.arguments import API_KEY_VARIABLE, Arguments, parsed
from talkwire_agent.credentials import CredentialsError, api_key_in, token_source
from talkwire_agent.history import HistoryLimits
from talkwire_agent.model import Model
from talkwire_agent.turn_answer import ToolBox
from talkwire_client import Talkwire, TalkwireError, Token

_logger = logging.getLogger(__name__)


def run_command(given: Sequence[str] | None = None) -> int:
    """Runs the agent until it is interrupted or terminated, and returns the exit code."""
    arguments = parsed(given)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        return asyncio.run(_until_terminated(arguments))
    except KeyboardInterrupt:
        return 130
    except (CredentialsError, TalkwireError) as error:
        sys.stderr.write(f"talkwire-agent: {error}\n")
        return 1


async def _until_terminated(arguments: Arguments) -> int:
    work = asyncio.create_task(serve(arguments))
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        _logger.info("terminated")
    return 0


async def serve(arguments: Arguments) -> None:
    """Answers in the turns of the agent, without an end. Raises `CredentialsError` and `TalkwireError`."""
    key = api_key_in(
        os.environ, arguments.api_key_env or API_KEY_VARIABLE, is_required=arguments.api_key_env is not None
    )
    token = await _working(token_source(os.environ, arguments.user, arguments.token_command))
    async with (
        Talkwire(arguments.server, token=token) as chat,
        Model(arguments.openai, arguments.model, api_key=key, timeout_s=arguments.timeout_s) as model,
        chat.turns(at_once=arguments.concurrency, lease_s=arguments.lease_s) as turns,
    ):
        agent = Agent(
            model,
            chat,
            ToolBox({tool.name: tool for tool in arguments.tools}),
            AgentSettings(arguments.system, HistoryLimits(arguments.max_history)),
        )
        await _must_be_agent(chat, arguments.user)
        _logger.info("answers as %s with the model %s", arguments.user, arguments.model)
        await turns.run(agent.handle)


async def _must_be_agent(chat: Talkwire, user_id: str) -> None:
    """Raises `CredentialsError` unless the token is that of the user, who is an agent."""
    user = await chat.me()
    if user["id"] != user_id:
        raise CredentialsError(f"--as: the token is that of {user['id']}, not of {user_id}")
    if user.get("kind") != "agent":
        raise CredentialsError(f"--as: {user_id} is no agent: talkwire user add --id NEW_ID --kind agent makes one")


async def _working(token: Token) -> Token:
    """Returns the token or function after it has worked once. The client would call one that fails for ever."""
    if not isinstance(token, str):
        found = token()
        if not isinstance(found, str):
            await found
    return token

"""The receivers in `examples/webhooks/`, which the documentation shows, rebuild the conversations."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from talkwire.app import Node
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.integration.webhooks import CreateWebhook, DeleteWebhook
from talkwire.core.commands.messages import EditMessage, SendMessage
from talkwire.core.domain.model import Message
from tests.protocol.server_process import reserved_port
from tests.waiting import deadline
from tests.webhooks.conftest import BACKEND

pytestmark = pytest.mark.asyncio(loop_scope="module")
REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples" / "webhooks"


@pytest.mark.parametrize("name", ["receiver.py", "receiver.mjs"])
async def test_a_receiver_rebuilds_the_conversations(shared_node: Node, name: str) -> None:
    execute, port = shared_node.chat.execute, reserved_port()
    created = await execute(BACKEND, CreateWebhook(f"http://127.0.0.1:{port}/"))
    program = sys.executable if name.endswith(".py") else "node"
    process = await asyncio.create_subprocess_exec(
        program, str(EXAMPLES / name), str(port), stdout=PIPE, env={**os.environ, "SECRET": created.secret}
    )
    try:
        await execute(BACKEND, CreateConversation("group", ("alice", "bob"), id=name))
        sent = [await execute(BACKEND, SendMessage(name, text, sender_id="alice")) for text in ("one", "two")]
        await execute(BACKEND, EditMessage(str(sent[0].id), "uno", sender_id="alice"))
        assert await _rebuilt(process, name, sent) == ["uno", "two"]
    finally:
        process.kill()
        await process.wait()
        await execute(BACKEND, DeleteWebhook(created.view.webhook.id))


async def _rebuilt(process: asyncio.subprocess.Process, conversation_id: str, sent: list[Message]) -> list[str]:
    """Returns the texts of a conversation, once the receiver has all of them in their last version."""
    assert process.stdout is not None
    async with deadline():
        while line := await process.stdout.readline():
            messages = json.loads(line).get(conversation_id, {})
            texts = [messages.get(str(message.id), "") for message in sent]
            if texts[0] == "uno" and texts[1]:
                return texts
    raise AssertionError("the receiver has ended")


async def test_the_page_shows_the_examples_as_they_are() -> None:
    page = (REPOSITORY / "docs" / "webhooks.md").read_text(encoding="utf-8")
    for name in ("receiver.py", "receiver.mjs"):
        code = (EXAMPLES / name).read_text(encoding="utf-8")
        assert f"```{'python' if name.endswith('.py') else 'js'}\n{code}```" in page

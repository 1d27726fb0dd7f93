"""The package @talkwire/client in a runtime without what React Native lacks, against a server."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from tests.chat.chat_server import running_chat
from tests.chat.conftest import world_at
from tests.vite import CLIENTS, IN_PLAIN_PATH

DEADLINE_S = 240


async def test_messages_and_files_are_sent_without_what_react_native_lacks(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            environment = {
                **os.environ,
                "TALKWIRE_URL": server.url,
                "TALKWIRE_USER": world.id_of("alice"),
                "TALKWIRE_TOKEN": server.token(world.id_of("alice")),
                "TALKWIRE_CONVERSATION": conversation,
            }
            vitest = ["npx", "vitest", "run", "test/react_native.test.ts", "-t", "through a server"]
            process = await asyncio.create_subprocess_exec(
                *IN_PLAIN_PATH, f"{CLIENTS}/client", *vitest, env=environment, stdout=PIPE, stderr=STDOUT
            )
            async with asyncio.timeout(DEADLINE_S):
                printed, _ = await process.communicate()
            assert process.returncode == 0, printed.decode()
            assert "2 passed" in printed.decode()

"""Fixtures: nodes in this process that deliver to endpoints of this process, over each database."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from talkwire.app import Node
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.integration.webhooks import CreatedWebhook, CreateWebhook, DeleteWebhook, GetWebhook
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.integration.webhooks import Webhook
from talkwire.core.domain.model import Actor
from talkwire.settings import Settings
from talkwire.webhooks import endpoint, service
from tests.chat.chat_server import SECRET
from tests.databases import let_nodes_pause
from tests.waiting import until
from tests.webhooks.receiver import Receiver, receiving

BACKEND = Actor("backend", "Backend", role="service")


def settings_for(folder: Path, database: str | None) -> Settings:
    return Settings(
        data=folder,
        database=database,
        jwt_secret=SECRET,
        rate_limits=False,
        webhook_allow=("127.0.0.1/32",),
        lease_s=60.0,
        drain_s=0.0,
    )


class Sending:
    """A node with one webhook, whose endpoint is `receiver`, and conversations of this test."""

    def __init__(self, node: Node, receiver: Receiver, name: str) -> None:
        self.node = node
        self.receiver = receiver
        self.webhook_id = ""
        self._name = name

    def id_of(self, name: str) -> str:
        return f"{self._name}-{name}"

    async def subscribe(self, **fields: object) -> None:
        """Creates the webhook."""
        created = await self.node.chat.execute(BACKEND, CreateWebhook(self.receiver.url, **fields))  # type: ignore[arg-type]
        assert isinstance(created, CreatedWebhook)
        self.receiver.secret, self.webhook_id = created.secret, created.view.webhook.id

    async def group(self, name: str) -> None:
        command = CreateConversation("group", ("alice", "bob"), id=self.id_of(name))
        await self.node.chat.execute(BACKEND, command)

    async def send(self, name: str, text: str) -> None:
        await self.node.chat.execute(BACKEND, SendMessage(self.id_of(name), text, sender_id="alice"))

    async def webhook(self) -> Webhook:
        return (await self.node.chat.execute(BACKEND, GetWebhook(self.webhook_id))).webhook

    def texts(self, name: str) -> list[str]:
        return self.receiver.texts(self.id_of(name))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """The setting `database` of a fresh database."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgresql")
    name = server.create_migrated()
    yield server.url_of(name).render_as_string(hide_password=False)
    server.drop(name)


@pytest.fixture(scope="module")
def data_folder(database_setting: str | None, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("webhooks")
    if database_setting is None:
        shutil.copyfile(sqlite_template, folder / "talkwire.db")
    return folder


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_node(data_folder: Path, database_setting: str | None) -> AsyncIterator[Node]:
    """One node for all tests of a module."""
    with pytest.MonkeyPatch.context() as patching:
        let_nodes_pause(patching)
        async with Node(settings_for(data_folder, database_setting)).started() as node:
            yield node


@pytest_asyncio.fixture(loop_scope="module")
async def sending(shared_node: Node, request: pytest.FixtureRequest) -> AsyncIterator[Sending]:
    """A receiver of this test alone. Its webhook is deleted at the end."""
    async with receiving() as receiver:
        sending = Sending(shared_node, receiver, request.node.originalname)
        yield sending
        if sending.webhook_id:
            await shared_node.chat.execute(BACKEND, DeleteWebhook(sending.webhook_id))
            await until(lambda: not shared_node.webhooks.metrics.delivering())


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come soon, and progress is stored soon."""
    monkeypatch.setattr(endpoint, "retry_delay_ms", lambda attempt, retry_after_s: 30)
    monkeypatch.setattr(service, "PROGRESS_STORE_S", 0.05)

"""Webhooks: creating, changing, rewinding and rotating them, and who may do that."""

from __future__ import annotations

from base64 import b64decode

import pytest

from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.integration.webhooks import (
    CreatedWebhook,
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    GetWebhookSigning,
    ListWebhookAttempts,
    ListWebhooks,
    PutWebhook,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
    WebhookView,
)
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.actors import PRUNER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import WebhookChanged
from talkwire.core.domain.integration.webhooks import SECRET_ROTATION_MS, WEBHOOKS_MAX, Webhook
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node

URL = "https://app.example.com/hook"


async def _created(node: Node, **fields: object) -> CreatedWebhook:
    created = await node.do(BACKEND, CreateWebhook(URL, **fields))  # type: ignore[arg-type]
    assert isinstance(created, CreatedWebhook)
    return created


async def _webhook(node: Node, webhook_id: str) -> Webhook:
    view = await node.do(OPERATOR, GetWebhook(webhook_id))
    assert isinstance(view, WebhookView)
    return view.webhook


async def test_a_new_webhook_starts_now_or_after_a_cursor(node: Node) -> None:
    await node.group("c", ALICE)
    cursor = f"{node.chat.epoch}-{node.chat.pos}"
    now = await _created(node)
    assert now.view.webhook.pos == node.chat.pos
    assert len(b64decode(now.secret.removeprefix("whsec_"))) == 32
    after = await _created(node, after=cursor, types=("message:new", "message:new"), conversation_ids=("c",))
    assert f"{after.view.epoch}-{after.view.webhook.pos}" == cursor
    assert (after.view.webhook.types, after.view.webhook.conversation_ids) == (("message:new",), ("c",))
    start = await _created(node, after="start")
    assert start.view.webhook.pos == 0
    listed = await node.do(OPERATOR, ListWebhooks())
    assert [view.webhook for view in listed.items] == [each.view.webhook for each in (now, after, start)]


async def test_every_change_is_in_the_log_without_the_secret(node: Node) -> None:
    created = await _created(node)
    webhook_id = created.view.webhook.id
    await node.do(OPERATOR, UpdateWebhook(webhook_id=webhook_id, description="orders"))
    await node.do(BACKEND, RewindWebhook(webhook_id, "start"))
    await node.do(BACKEND, RotateWebhookSecret(webhook_id))
    await node.do(OPERATOR, DeleteWebhook(webhook_id))
    changes = [event for event in await node.replay() if isinstance(event, WebhookChanged)]
    assert [(each.action, each.by) for each in changes] == [
        ("created", ""),
        ("updated", "operator"),
        ("rewound", ""),
        ("secret_rotated", ""),
        ("deleted", "operator"),
    ]
    assert {each.webhook_id for each in changes} == {webhook_id}
    assert created.secret not in repr(changes)


async def test_a_webhook_that_is_put_again_changes_what_differs(node: Node) -> None:
    first, second = ("whsec_" + 32 * letter for letter in "AB")
    for secret in (first, first, second, None):
        stored = await node.do(BACKEND, PutWebhook("orders", URL, secret=secret))
        assert stored.secret is None
    await node.do(BACKEND, PutWebhook("orders", URL, types=("message:new", "message:new")))
    await node.do(BACKEND, PutWebhook("orders", URL, types=("message:new",), after="start"))
    changes = [event for event in await node.replay() if isinstance(event, WebhookChanged)]
    assert [each.action for each in changes] == ["created", "secret_rotated", "updated"]
    signing = await node.do(BACKEND, GetWebhookSigning("orders"))
    assert signing.secrets == (second, first)
    assert (await _webhook(node, "orders")).pos == changes[0].pos


async def test_members_that_are_not_given_stay(node: Node) -> None:
    webhook = (
        await _created(node, types=("message:new",), conversation_ids=("c",), description="x", final=True)
    ).view.webhook
    await node.do(BACKEND, UpdateWebhook(webhook_id=webhook.id, url=f"{URL}/2", conversation_ids=None))
    changed = await _webhook(node, webhook.id)
    assert (changed.url, changed.types, changed.conversation_ids, changed.description, changed.final) == (
        f"{URL}/2",
        ("message:new",),
        None,
        "x",
        True,
    )


async def test_a_webhook_is_disabled_and_enabled(node: Node) -> None:
    webhook = (await _created(node)).view.webhook
    node.clock.now_ms += 5
    for _ in range(2):
        await node.do(BACKEND, UpdateWebhook(webhook_id=webhook.id, enabled=False))
        disabled = await _webhook(node, webhook.id)
        assert (disabled.enabled, disabled.disabled_ms, disabled.disabled_reason) == (
            False,
            webhook.created_ms + 5,
            "request",
        )
        node.clock.now_ms += 5
    await node.do(BACKEND, UpdateWebhook(webhook_id=webhook.id, enabled=True))
    enabled = await _webhook(node, webhook.id)
    assert (enabled.enabled, enabled.disabled_ms, enabled.disabled_reason) == (True, None, None)
    assert (enabled.pos, enabled.enabled_ms) == (webhook.pos, node.clock.now_ms)


async def test_enabling_an_enabled_webhook_makes_its_retries_due(node: Node) -> None:
    webhook = (await _created(node)).view.webhook
    node.clock.now_ms += 5
    await node.do(BACKEND, UpdateWebhook(webhook_id=webhook.id, description="still the same"))
    assert (await _webhook(node, webhook.id)).enabled_ms == webhook.enabled_ms
    await node.do(BACKEND, UpdateWebhook(webhook_id=webhook.id, enabled=True))
    assert (await _webhook(node, webhook.id)).enabled_ms == node.clock.now_ms


async def test_a_rewind_sets_the_position_and_makes_earlier_progress_void(node: Node) -> None:
    webhook = (await _created(node)).view.webhook
    await node.group("c", ALICE)
    cursor = f"{node.chat.epoch}-{node.chat.pos}"
    assert (await node.do(BACKEND, RewindWebhook(webhook.id, cursor))).webhook.pos == node.chat.pos - 1
    await node.do(BACKEND, RewindWebhook(webhook.id, "start"))
    rewound = await _webhook(node, webhook.id)
    assert (rewound.pos, rewound.rewinds) == (0, 2)


async def test_cursors_that_lead_nowhere_are_refused(node: Node) -> None:
    webhook = (await _created(node)).view.webhook
    await node.group("c", ALICE)
    first = f"{node.chat.epoch}-1"
    for after, code in (
        ("nonsense", "invalid_request"),
        (f"{node.chat.epoch}-99", "invalid_request"),
        ("other-1", "cursor_epoch"),
        ("\x00", "invalid_request"),
    ):
        assert await node.refusal(BACKEND, RewindWebhook(webhook.id, after)) == code
        assert await node.refusal(BACKEND, CreateWebhook(URL, after=after)) == code
    node.clock.now_ms += 1000
    while await node.do(PRUNER, PruneOld(1)):
        pass
    with pytest.raises(ChatError) as refused:
        await node.do(BACKEND, RewindWebhook(webhook.id, first))
    assert refused.value.code == "cursor_expired"
    oldest = refused.value.details["oldest"]  # type: ignore[index]
    assert f"{node.chat.epoch}-{(await node.do(BACKEND, RewindWebhook(webhook.id, 'start'))).webhook.pos}" == oldest


async def test_both_secrets_sign_for_a_day_after_a_rotation(node: Node) -> None:
    created = await _created(node)
    webhook_id = created.view.webhook.id
    rotated = await node.do(BACKEND, RotateWebhookSecret(webhook_id))
    signing = await node.do(BACKEND, GetWebhookSigning(webhook_id))
    assert signing.secrets == (rotated.secret, created.secret)
    node.clock.now_ms += SECRET_ROTATION_MS
    signing = await node.do(BACKEND, GetWebhookSigning(webhook_id))
    assert (signing.url, signing.secrets) == (URL, (rotated.secret,))


async def test_a_retried_request_does_not_show_the_secret_again(node: Node) -> None:
    key = IdempotencyKey(BACKEND.user_id, "POST /api/v1/webhooks", "k")
    created = await node.submit(BACKEND, CreateWebhook(URL), key)
    with pytest.raises(ChatError) as refused:
        await node.submit(BACKEND, CreateWebhook(URL), key)
    assert (refused.value.code, refused.value.details) == ("conflict", {"webhookId": created.view.webhook.id})
    with node.write_engine.begin() as connection:
        stored = connection.exec_driver_sql("SELECT result FROM answers").scalar_one()
    assert created.secret not in stored


async def test_users_have_no_access(node: Node) -> None:
    webhook_id = (await _created(node)).view.webhook.id
    await node.users(BOB)
    for command in (
        CreateWebhook(URL),
        UpdateWebhook(webhook_id=webhook_id, enabled=False),
        DeleteWebhook(webhook_id),
        RewindWebhook(webhook_id, "start"),
        RotateWebhookSecret(webhook_id),
        GetWebhook(webhook_id),
        ListWebhooks(),
        ListWebhookAttempts(webhook_id),
        GetWebhookSigning(webhook_id),
    ):
        assert await node.refusal(BOB, command) == "forbidden"


async def test_there_is_nothing_of_an_unknown_webhook(node: Node) -> None:
    created = await _created(node)
    await node.do(BACKEND, DeleteWebhook(created.view.webhook.id))
    for webhook_id in ("nothing", created.view.webhook.id):
        for command in (
            UpdateWebhook(webhook_id=webhook_id, enabled=False),
            DeleteWebhook(webhook_id),
            RewindWebhook(webhook_id, "start"),
            RotateWebhookSecret(webhook_id),
            GetWebhook(webhook_id),
            ListWebhookAttempts(webhook_id),
            GetWebhookSigning(webhook_id),
        ):
            assert await node.refusal(OPERATOR, command) == "not_found"


async def test_the_number_of_webhooks_is_limited(node: Node) -> None:
    await node.in_one_batch(*((BACKEND, CreateWebhook(URL)) for _ in range(WEBHOOKS_MAX)))
    assert await node.refusal(BACKEND, CreateWebhook(URL)) == "conflict"


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (CreateWebhook("ftp://example.com"), "url"),
        (CreateWebhook("https://"), "url"),
        (CreateWebhook("https://[::1"), "url"),
        (CreateWebhook("https://a:99999/"), "url"),
        (CreateWebhook("https://example.com/a b"), "url"),
        (CreateWebhook("https://example.com/" + "x" * 2048), "url"),
        (CreateWebhook(URL, types=()), "types"),
        (CreateWebhook(URL, types=("message:new", "")), "types[1]"),
        (CreateWebhook(URL, conversation_ids=()), "conversationIds"),
        (CreateWebhook(URL, conversation_ids=("a b",)), "conversationIds[0]"),
        (CreateWebhook(URL, description="x" * 501), "description"),
        (UpdateWebhook(webhook_id="1", url="x"), "url"),
        (UpdateWebhook(webhook_id="a b", enabled=True), "webhookId"),
    ],
)
async def test_an_invalid_member_is_named(node: Node, command: CreateWebhook | UpdateWebhook, path: str) -> None:
    with pytest.raises(ChatError) as refused:
        await node.do(BACKEND, command)
    assert (refused.value.code, refused.value.details[0]["path"]) == ("invalid_request", path)  # type: ignore[index]

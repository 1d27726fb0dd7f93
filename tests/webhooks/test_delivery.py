"""Delivery to endpoints that accept, refuse, are slow, close, or are down."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from aiohttp import ClientTimeout

from talkwire.core.commands.accounts import BanUser, EnsureUser, PutUser
from talkwire.core.commands.integration.webhooks import (
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    GetWebhookSigning,
    ListWebhookAttempts,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
)
from talkwire.core.commands.messages import DeleteMessage, EditMessage
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.commands.sync import ListLogEvents
from talkwire.core.domain.events import UserBanned
from talkwire.core.domain.integration.webhooks import ATTEMPTS_KEPT, Webhook, WebhookAttempt
from talkwire.core.domain.model import Actor
from talkwire.dialects.messenger.log_events import log_event_payloads
from talkwire.egress import AddressRules, Egress, EgressThread
from talkwire.storage.followers.webhook_progress import WebhookProgress, WebhookState
from talkwire.webhooks import endpoint, service
from talkwire.webhooks.queue import BLOCKED_KEYS_MAX
from talkwire.webhooks.schedule import GIVE_UP_MS
from talkwire.webhooks.sender import RESPONSE_MAX_BYTES, WebhookSender
from talkwire.webhooks.service import WebhookService
from tests.waiting import DEADLINE_S, deadline, until, until_asked
from tests.webhooks.conftest import BACKEND, Sending
from tests.webhooks.receiver import ACCEPT, Json, Response

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATOR = Actor("operator", "Operator", role="admin")


async def _stored(sending: Sending, condition: Callable[[Webhook], bool]) -> Webhook:
    """Returns the webhook once the stored one meets the condition."""

    async def found() -> list[Webhook]:
        webhook = await sending.webhook()
        return [webhook] if condition(webhook) else []

    [webhook] = await until_asked(found)
    return webhook


async def _attempts(sending: Sending, condition: Callable[[list[WebhookAttempt]], bool]) -> list[WebhookAttempt]:
    """Returns the newest attempts, oldest first, once the stored ones meet the condition."""

    async def attempts() -> list[WebhookAttempt]:
        page = await sending.node.chat.execute(BACKEND, ListWebhookAttempts(sending.webhook_id))
        found = list(reversed(page.items))
        return found if condition(found) else []

    return await until_asked(attempts)


async def _everything_since(sending: Sending, pos: int) -> list[str]:
    """Returns the ids of all events of the log after a position, as the event stream gives them."""
    ids: list[str] = []
    after, more = f"{sending.node.chat.epoch}-{pos}", True
    while more:
        page = await sending.node.chat.execute(BACKEND, ListLogEvents(after))
        ids += [payload.id for payload in log_event_payloads(page.events, page.epoch)]
        after, more = page.cursor, page.more
    return ids


async def test_every_event_arrives_signed_and_in_order(sending: Sending) -> None:
    await sending.subscribe()
    start = (await sending.webhook()).pos
    for name in ("a", "b"):
        await sending.group(name)
        for number in range(5):
            await sending.send(name, str(number))
    await sending.node.chat.execute(Actor("zoe", "zoe"), EnsureUser("zoe", "zoe"))
    await sending.node.chat.execute(BACKEND, PutUser("zoe", "Zoe"))
    await sending.node.chat.execute(OPERATOR, BanUser("zoe"))
    expected = await _everything_since(sending, start)
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) >= len(expected))
    assert sorted(event["id"] for event in sending.receiver.accepted) == sorted(expected)
    assert sending.texts("a") == sending.texts("b") == list("01234")
    of_zoe = [each["type"] for each in sending.receiver.accepted if "zoe" in str(each["data"])]
    assert [type_ for type_ in of_zoe if type_ != "user:created"] == ["user:updated", "user:banned"]
    assert (await _stored(sending, lambda webhook: webhook.pos >= sending.node.chat.pos)).enabled
    assert sending.receiver.headers[0]["content-type"] == "application/json"
    assert sending.receiver.headers[0]["user-agent"].startswith("Talkwire/")


async def test_only_selected_events_are_sent_and_the_cursor_passes_the_others(sending: Sending) -> None:
    await sending.subscribe(
        types=("message:new", "message:deleted"), conversation_ids=(sending.id_of("a"), sending.id_of("c"))
    )
    for name in ("a", "b"):
        await sending.group(name)
        await sending.send(name, "hello")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 1)
    message_id = sending.receiver.accepted[0]["data"]["id"]
    await sending.node.chat.execute(OPERATOR, DeleteMessage(message_id))
    await sending.send("b", "again")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 2)
    await _stored(sending, lambda webhook: webhook.pos >= sending.node.chat.pos)
    assert [event["type"] for event in sending.receiver.accepted] == ["message:new", "message:deleted"]


async def test_a_refused_event_holds_back_its_conversation_only(sending: Sending) -> None:
    refused: Counter[str] = Counter()

    def answer(event: Json) -> Response:
        if event["conversationId"] == sending.id_of("a") and refused["a"] < 3:
            refused["a"] += 1
            return Response(500)
        return ACCEPT

    sending.receiver.answer = answer
    await sending.subscribe(types=("message:new",))
    for name in ("a", "b"):
        await sending.group(name)
    for number in range(10):
        await sending.send("a", str(number))
        await sending.send("b", str(number))
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 20)
    assert sending.texts("a") == sending.texts("b") == list("0123456789")
    assert sending.receiver.overlaps == []
    attempts = await _attempts(sending, lambda found: len(found) == 23)
    first = [each for each in attempts if each.status == 500]
    assert [(each.attempt, each.error, each.next_ms is not None) for each in first] == [
        (1, "HTTP status 500", True),
        (2, "HTTP status 500", True),
        (3, "HTTP status 500", True),
    ]
    again = next(each for each in attempts if each.event_id == first[0].event_id and each.status == 204)
    assert (again.attempt, again.error, again.next_ms) == (4, None, None)
    assert sending.node.webhooks.metrics.blocked_keys() == 0


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(302, {"location": "/elsewhere"}), "HTTP status 302; redirects are not followed"),
        (Response(404), "HTTP status 404"),
        (Response(500, body=b"x" * 300_000), "HTTP status 500"),
        (Response(None), "the connection was closed before the response was complete"),
        (Response(hangs=True), "no response within 0.3 s"),
    ],
    ids=["redirects", "status", "large body", "closes early", "hangs"],
)
async def test_anything_but_success_is_tried_again(
    sending: Sending, response: Response, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    def retry_delay_ms(attempt: int, retry_after_s: float | None) -> int:
        [running] = sending.node.webhooks._deliveries._running.values()  # type: ignore[union-attr]
        running.sender._client._timeout = ClientTimeout(DEADLINE_S)  # the next attempt may take long
        return 30

    if response.hangs:
        monkeypatch.setattr("talkwire.webhooks.sender.WEBHOOK_TIMEOUT_S", 0.3)
        monkeypatch.setattr(endpoint, "retry_delay_ms", retry_delay_ms)
    answers = [response]
    sending.receiver.answer = lambda event: answers.pop() if answers else ACCEPT
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "hello")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["hello"])
    assert len({event["id"] for event in sending.receiver.requests}) == 1
    attempts = await _attempts(sending, lambda found: len(found) == 2)
    assert [(each.attempt, each.error) for each in attempts] == [(1, error), (2, None)]


async def test_an_accepted_response_may_have_a_long_body(sending: Sending) -> None:
    sending.receiver.answer = lambda event: Response(200, body=b"x" * 300_000)
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    for number in range(3):
        await sending.send("a", str(number))
    await sending.receiver.wait_until(lambda: sending.texts("a") == list("012"))
    attempts = await _attempts(sending, lambda found: len(found) == 3)
    assert {(each.status, each.attempt) for each in attempts} == {(200, 1)}


async def test_the_retry_respects_what_the_endpoint_asks_for(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float | None] = []

    def delay(attempt: int, retry_after_s: float | None) -> int:
        asked.append(retry_after_s)
        return 30

    monkeypatch.setattr(endpoint, "retry_delay_ms", delay)
    answers = [Response(503), Response(429, {"retry-after": "7"})]
    sending.receiver.answer = lambda event: answers.pop() if answers else ACCEPT
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "hello")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 1)
    assert asked == [7.0, None]


async def test_at_most_sixteen_requests_run_at_a_time(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    sending.receiver.answer = lambda event: Response(hangs=True)
    await sending.subscribe(types=("message:new",))
    for number in range(20):
        await sending.group(f"g{number}")
        await sending.send(f"g{number}", "hello")
    await sending.receiver.wait_until(lambda: sending.receiver.at_once == 16)
    await sending.send("g0", "another")
    assert sending.receiver.most_at_once == 16
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, enabled=False))
    await until(lambda: not sending.receiver.at_once)  # the node has closed its connections
    sending.receiver.answer = lambda event: ACCEPT
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, enabled=True))
    await sending.receiver.wait_until(lambda: len(sending.receiver.events()) == 21)
    assert sending.texts("g0") == ["hello", "another"]


async def test_an_endpoint_that_is_down_costs_a_bounded_number_of_rows_and_loses_nothing(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "first")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 1)
    await sending.receiver.stop()
    names = [f"g{number}" for number in range(BLOCKED_KEYS_MAX + 40)]
    for name in names:
        await sending.group(name)
        for number in range(3):
            await sending.send(name, str(number))
    await until(lambda: sending.node.webhooks.metrics.blocked_keys() >= BLOCKED_KEYS_MAX)
    assert sending.node.webhooks.metrics.blocked_keys() < BLOCKED_KEYS_MAX + 16
    assert sending.node.webhooks.metrics.lag_s() > 0
    await sending.receiver.start()
    await sending.receiver.wait_until(lambda: len(sending.receiver.events()) == 1 + 3 * len(names))
    assert {name: sending.texts(name) for name in names} == {name: list("012") for name in names}


async def test_the_status_gone_disables_at_once_and_enabling_continues(sending: Sending) -> None:
    sending.receiver.answer = lambda event: Response(410)
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "0")
    disabled = await _stored(sending, lambda webhook: not webhook.enabled)
    assert disabled.disabled_reason == "gone"
    assert disabled.disabled_ms is not None
    requests = len(sending.receiver.requests)
    for number in range(1, 4):
        await sending.send("a", str(number))
    sending.receiver.answer = lambda event: ACCEPT
    assert len(sending.receiver.requests) == requests == 1
    assert sending.node.webhooks.metrics.given_up["gone"] >= 1
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, enabled=True))
    await sending.receiver.wait_until(lambda: sending.texts("a") == list("0123"))


async def test_a_webhook_that_is_gone_while_progress_is_stored_gets_nothing_more(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    webhooks = sending.node.webhooks
    storing, may_store, store = threading.Event(), threading.Event(), webhooks._store.store

    def slow_store(progress: Sequence[WebhookProgress]) -> frozenset[str]:
        storing.set()
        may_store.wait()
        return store(progress)

    monkeypatch.setattr(webhooks._store, "store", slow_store)
    await sending.send("a", "0")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["0"])
    await until(storing.is_set)
    sending.receiver.answer = lambda event: Response(410)
    before = webhooks.metrics.given_up["gone"]
    await sending.send("a", "1")
    await until(lambda: webhooks.metrics.given_up["gone"] > before)
    may_store.set()
    await _stored(sending, lambda webhook: webhook.disabled_reason == "gone")
    assert [event["data"]["content"] for event in sending.receiver.requests] == ["0", "1"]


async def test_events_that_are_pruned_before_their_retry_are_counted_as_missed(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "retry_delay_ms", lambda attempt, retry_after_s: 3_600_000)
    sending.receiver.answer = lambda event: Response(500) if event["data"]["content"] == "0" else ACCEPT
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "0")
    await sending.send("a", "1")
    # Once the cursor is behind both, they wait for the retry.
    await _stored(sending, lambda webhook: webhook.pos >= sending.node.chat.pos)
    missed = sending.node.webhooks.metrics.missed
    while await sending.node.chat.execute(OPERATOR, PruneOld(-1)):
        pass
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, enabled=True))
    await until(lambda: sending.node.webhooks.metrics.missed == missed + 1)
    await sending.send("a", "2")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["2"])


async def test_after_three_days_the_webhook_is_disabled(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    sending.receiver.answer = lambda event: Response(500)
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "hello")
    await _attempts(sending, lambda found: len(found) > 1)
    monkeypatch.setattr(endpoint, "GIVE_UP_MS", 0)
    disabled = await _stored(sending, lambda webhook: not webhook.enabled)
    assert disabled.disabled_reason == "failing"
    attempts = await _attempts(sending, lambda found: found[-1].next_ms is None)
    assert all(attempt.next_ms is not None for attempt in attempts[:-1])
    monkeypatch.setattr(endpoint, "GIVE_UP_MS", GIVE_UP_MS)
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, enabled=True))
    await _attempts(sending, lambda found: any(each.attempt == 1 for each in found[len(attempts) :]))
    sending.receiver.answer = lambda event: ACCEPT
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["hello"])


async def test_enabling_an_enabled_webhook_sends_what_failed_at_once(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "retry_delay_ms", lambda attempt, retry_after_s: 3_600_000)
    body = "No\x00 data\u202ebase \xfc".encode() + b"\xff\n{}" + b"x" * 300_000
    sending.receiver.answer = lambda event: Response(503, body=body)
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "hello")
    [attempt] = await _attempts(sending, lambda found: len(found) == 1)
    assert (attempt.type, attempt.response is not None) == ("message:new", True)
    assert str(attempt.response).rstrip("x") == "No database \xfc\ufffd {}"
    assert len(str(attempt.response)) < RESPONSE_MAX_BYTES
    view = await sending.node.chat.execute(BACKEND, GetWebhook(sending.webhook_id))
    assert (view.failing, view.failing_since_ms) == (1, attempt.at_ms)
    sending.receiver.answer = lambda event: ACCEPT
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, enabled=True))
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["hello"])


async def test_a_rewind_sends_again_with_the_same_ids(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    cursor = sending.node.chat.cursor
    for number in range(3):
        await sending.send("a", str(number))
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 3)
    await sending.node.chat.execute(BACKEND, RewindWebhook(sending.webhook_id, cursor))
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 6)
    ids = [event["id"] for event in sending.receiver.accepted]
    assert ids[:3] == ids[3:]


async def test_a_rewind_forward_skips_an_event_that_is_always_refused(sending: Sending) -> None:
    sending.receiver.answer = lambda event: Response(500) if event["data"]["content"] == "poison" else ACCEPT
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "poison")
    await _attempts(sending, lambda found: len(found) > 1)
    await sending.node.chat.execute(BACKEND, RewindWebhook(sending.webhook_id, sending.node.chat.cursor))
    await sending.send("a", "next")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["next"])


async def test_both_secrets_sign_after_a_rotation(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "one")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 1)
    rotated = await sending.node.chat.execute(BACKEND, RotateWebhookSecret(sending.webhook_id))
    old, new = sending.receiver.secret, rotated.secret
    number = 0
    async with deadline():
        while len(sending.receiver.headers[-1]["webhook-signature"].split()) < 2:
            await sending.send("a", f"{(number := number + 1)}")
            await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) > number)
    sending.receiver.secret = new  # the receiver verifies with it from now on
    await sending.send("a", "last")
    await sending.receiver.wait_until(lambda: sending.texts("a")[-1] == "last")
    signed = sending.receiver.headers[-1]["webhook-signature"].split()
    assert len(signed) == 2
    assert old != new


async def test_a_test_event_is_sent_now_and_its_outcome_returned(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    execute = sending.node.chat.execute
    signing = await execute(BACKEND, GetWebhookSigning(sending.webhook_id))
    outcome = await sending.node.webhooks.test(sending.webhook_id, signing)
    assert (outcome.status, outcome.error, outcome.attempt) == (204, None, 1)
    (event,) = sending.receiver.accepted
    assert (event["type"], event["data"]) == ("webhook:test", {"webhookId": sending.webhook_id})
    sending.receiver.answer = lambda event: Response(500)
    assert (await sending.node.webhooks.test(sending.webhook_id, signing)).error == "HTTP status 500"
    await sending.receiver.stop()
    refused = await sending.node.webhooks.test(sending.webhook_id, signing)
    assert refused.status is None
    assert str(refused.error).startswith("cannot connect: ")
    await sending.receiver.start()


async def test_an_address_that_is_not_allowed_is_never_connected_to(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.node.chat.execute(
        BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, url=f"http://127.0.0.2:{sending.receiver.port}/")
    )
    await sending.group("a")
    await sending.send("a", "hello")
    attempts = await _attempts(sending, lambda found: len(found) > 0)
    assert attempts[0].error == "the URL 127.0.0.2 is a loopback address, and webhook_allow does not name it"
    assert sending.receiver.requests == []


async def test_a_name_is_checked_at_each_connection(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "127.0.0.2"]

    monkeypatch.setattr(sending.node.webhooks._egress, "_resolve", resolve)
    await sending.subscribe(types=("message:new",))
    url = f"http://app.example.com:{sending.receiver.port}/"
    await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, url=url))
    await sending.group("a")
    await sending.send("a", "hello")
    attempts = await _attempts(sending, lambda found: len(found) > 0)
    refusal = "app.example.com: 127.0.0.2 is a loopback address, and webhook_allow does not name it"
    assert attempts[0].error == f"cannot connect: {refusal}"
    assert sending.receiver.requests == []


async def test_the_newest_attempts_are_kept(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    for number in range(ATTEMPTS_KEPT + 5):
        await sending.send("a", str(number))
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == ATTEMPTS_KEPT + 5)
    last = sending.receiver.accepted[-1]["id"]
    attempts = await _attempts(sending, lambda found: found != [] and found[-1].event_id == last)
    assert [each.event_id for each in attempts] == [event["id"] for event in sending.receiver.accepted[5:]]


async def test_an_edited_message_arrives_as_it_is_when_it_is_sent(sending: Sending) -> None:
    await sending.subscribe(types=("message:new", "message:updated"))
    await sending.group("a")
    await sending.send("a", "one")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 1)
    message_id = sending.receiver.accepted[0]["data"]["id"]
    await sending.node.chat.execute(BACKEND, EditMessage(message_id, "two", sender_id="alice"))
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 2)
    assert sending.receiver.accepted[1]["data"]["content"] == "two"


async def test_a_deleted_webhook_gets_nothing_more(sending: Sending) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "one")
    await sending.receiver.wait_until(lambda: len(sending.receiver.accepted) == 1)
    await sending.node.chat.execute(BACKEND, DeleteWebhook(sending.webhook_id))
    sending.webhook_id = ""
    await until(lambda: not sending.node.webhooks.metrics.delivering())
    await sending.send("a", "two")
    assert len(sending.receiver.accepted) == 1


async def test_an_error_disables_the_webhook_that_causes_it_and_no_other(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sending.subscribe(types=("message:new",))
    other = await sending.node.chat.execute(BACKEND, CreateWebhook(f"{sending.receiver.url}other"))
    other_id = other.view.webhook.id

    def sender(egress: Egress, url: str, secrets: tuple[str, ...]) -> WebhookSender:
        if url.endswith("other"):
            raise ValueError("an error that nobody has thought of")
        return WebhookSender(egress, url, secrets)

    monkeypatch.setattr(service, "WebhookSender", sender)
    update = UpdateWebhook(webhook_id=other_id, description="so that it is started again", types=("message:new",))
    await sending.node.chat.execute(BACKEND, update)

    async def is_disabled() -> bool:
        found = (await sending.node.chat.execute(BACKEND, GetWebhook(other_id))).webhook
        return (found.enabled, found.disabled_reason) == (False, "failing")

    await until_asked(is_disabled)
    await sending.group("a")
    await sending.send("a", "hello")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["hello"])
    assert not sending.node.webhooks.stopped
    await sending.node.chat.execute(BACKEND, DeleteWebhook(other_id))


async def test_deliveries_that_an_error_has_ended_start_again(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sending.subscribe(types=("message:new",))
    await sending.group("a")
    await sending.send("a", "one")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["one"])
    webhooks = sending.node.webhooks
    before = webhooks.metrics.restarts

    def claim() -> list[WebhookState]:
        raise ValueError("an error that nobody has thought of")

    with monkeypatch.context() as failing:
        failing.setattr(service, "WEBHOOK_DATABASE_RETRY_S", 0.05)
        failing.setattr(webhooks._store, "claim", claim)
        await sending.node.chat.execute(BACKEND, UpdateWebhook(webhook_id=sending.webhook_id, description="changed"))
        await until(lambda: webhooks.metrics.restarts > before + 1)
        assert webhooks.stopped
    await until(lambda: not webhooks.stopped)
    await sending.send("a", "two")
    await sending.receiver.wait_until(lambda: sending.texts("a") == ["one", "two"])


async def test_without_a_webhook_nothing_is_started() -> None:
    thread = EgressThread()
    webhooks = WebhookService(_EmptyStore(), Egress(AddressRules(), thread))  # type: ignore[arg-type]
    await webhooks.start()
    webhooks.follow([UserBanned(1, 0, "alice")])
    assert webhooks.metrics.delivering() == 0
    assert (webhooks._deliveries, thread._thread) == (None, None)
    await webhooks.close()


class _EmptyStore:
    """The tables of a server without webhooks."""

    def any_enabled(self) -> bool:
        return False

    def close(self) -> None:
        pass

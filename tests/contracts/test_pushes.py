"""What is to be pushed, from the log to the node that sends it, over each database."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import func, select

from talkwire.core.commands.accounts import OpenLogin
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.notifications import MarkNotificationsRead, PutPushSubscription
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.presence import EndLease, RenewLease
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.server.pushes import (
    ClaimPushes,
    NextPush,
    PushJob,
    PushResult,
    ReadPushContents,
)
from talkwire.core.domain.actors import NODE, PUSH_SENDER
from talkwire.core.domain.model import Actor, PushSubscription, PushTarget
from talkwire.core.domain.notifying.lifetimes import DISMISSABLE_MS, PUSHABLE_MS
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower
from talkwire.storage.followers.offline_notifications import OfflineNotifications, PreparedNotifications
from talkwire.storage.schema import pushes
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Node
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S

CLAIM_MS = 60_000
LEASE_MS = 10_000


def _target(name: str, host: str = "push.example.com") -> PushTarget:
    return PushTarget("web", f"https://{host}/{name}", "key", "auth")


async def _subscribe(node: Node, actor: Actor, target: PushTarget, session_id: str | None = None) -> PushSubscription:
    found = await node.do(actor, PutPushSubscription(target, session_id))
    assert isinstance(found, PushSubscription)
    return found


async def _direct(node: Node) -> PushSubscription:
    """Creates alice's and bob's direct conversation `d`, and returns bob's subscription."""
    await node.users(ALICE, BOB)
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
    return await _subscribe(node, BOB, _target("bob"))


async def _follow(node: Node, database: Database) -> None:
    """Runs the follower up to the end of the log. Nobody is connected."""
    work = OfflineNotifications(lambda *_: False, node.clock)
    follower: Follower[PreparedNotifications] = Follower(
        work, reading_engine(database.url, 1), node.writer.transact, node.clock, Restless()
    )
    follower.start()
    try:
        assert await asyncio.to_thread(follower.wait_for, node.chat.pos, DEADLINE_S)
    finally:
        await asyncio.to_thread(follower.close)


async def _claim(node: Node, *results: PushResult, limit: int = 10, busy: tuple[str, ...] = ()) -> tuple[PushJob, ...]:
    jobs: tuple[PushJob, ...] = await node.do(PUSH_SENDER, ClaimPushes("n1", results, CLAIM_MS, limit, busy))
    return jobs


def _shown(*jobs: PushJob) -> list[int]:
    return [push.notification_id for job in jobs for push in job.pushes if not push.dismiss]


def _dismissed(*jobs: PushJob) -> list[int]:
    return [push.notification_id for job in jobs for push in job.pushes if push.dismiss]


async def _next(node: Node) -> int | None:
    due_ms: int | None = await node.do(PUSH_SENDER, NextPush())
    return due_ms


def _count(node: Node) -> int:
    with node.read_engine.connect() as connection:
        found: int = connection.execute(select(func.count()).select_from(pushes)).scalar_one()
        return found


async def _send(node: Node, text: str = "hello", to: str = "d") -> int:
    return int((await node.send(ALICE, text, to=to)).id)


async def test_a_notification_is_claimed_by_one_node_until_its_claim_ends(node: Node, database: Database) -> None:
    subscription = await _direct(node)
    ids = [await _send(node, str(number)) for number in range(3)]
    assert await _next(node) is None
    await _follow(node, database)
    assert await _next(node) == 0
    (job,) = await _claim(node)
    assert (job.subscription, job.service, _shown(job)) == (subscription, "https://push.example.com", ids)
    assert await _claim(node) == ()
    assert await _next(node) == CLAIM_MS
    node.clock.now_ms += CLAIM_MS
    assert _shown(*await _claim(node)) == ids, "the first node was killed"


async def test_a_server_without_other_nodes_ends_the_claims_of_the_one_before_it(
    node: Node, database: Database
) -> None:
    subscription = await _direct(node)
    id_ = await _send(node)
    await _follow(node, database)
    await node.do(NODE, RenewLease("n1", LEASE_MS))
    await _claim(node, PushResult(subscription.id, failures=1))
    await node.do(NODE, RenewLease("n2", LEASE_MS, alone=True))
    (job,) = await _claim(node)
    assert (_shown(job), job.failures) == ([id_], 1), "an attempt that did not end is none"
    await _claim(node, PushResult(subscription.id, failures=2, retry_ms=5000))
    await node.do(NODE, RenewLease("n1", LEASE_MS, alone=True))
    assert await _next(node) == 5000, "a device that waits after a failure is not claimed"


async def test_the_claims_of_a_killed_node_end_with_its_lease(node: Node, database: Database) -> None:
    await _direct(node)
    id_ = await _send(node)
    await _follow(node, database)
    await node.do(NODE, RenewLease("n1", LEASE_MS))
    await node.do(NODE, RenewLease("n2", LEASE_MS))
    await _claim(node)
    for _ in range(4):
        node.clock.now_ms += LEASE_MS // 2
        await node.do(NODE, RenewLease("n2", LEASE_MS))
    assert _shown(*await _claim(node)) == [id_]


async def test_the_claims_of_a_node_that_stops_end_with_it(node: Node, database: Database) -> None:
    await _direct(node)
    id_ = await _send(node)
    await _follow(node, database)
    await node.do(NODE, RenewLease("n1", LEASE_MS))
    await _claim(node)
    await node.do(NODE, EndLease("n1"))
    assert _shown(*await _claim(node)) == [id_]


async def test_what_was_sent_is_not_sent_again_and_is_dismissed_when_it_is_read(node: Node, database: Database) -> None:
    subscription = await _direct(node)
    first, second = await _send(node, "one"), await _send(node, "two")
    await _follow(node, database)
    await _claim(node)
    assert await _claim(node, PushResult(subscription.id, sent=(first, second))) == ()
    assert await _next(node) is None
    await node.do(BOB, MarkRead("d", str(first)))
    await _follow(node, database)
    (job,) = await _claim(node)
    assert (_shown(job), _dismissed(job)) == ([], [first])
    assert await _claim(node, PushResult(subscription.id, dismissed=(first,))) == ()
    await node.do(BOB, MarkNotificationsRead())
    await _follow(node, database)
    assert _dismissed(*await _claim(node)) == [second]
    assert await _claim(node, PushResult(subscription.id, dismissed=(second,))) == ()
    assert _count(node) == 0


async def test_a_notification_that_is_read_before_it_was_tried_is_neither_sent_nor_dismissed(
    node: Node, database: Database
) -> None:
    await _direct(node)
    await _send(node)
    await _follow(node, database)
    await node.do(BOB, MarkRead("d"))
    await _follow(node, database)
    (job,) = await _claim(node)
    assert job.pushes == ()
    assert await _claim(node, PushResult(job.subscription.id)) == ()
    assert await _next(node) is None


async def test_one_that_is_read_while_it_is_sent_is_dismissed_afterwards(node: Node, database: Database) -> None:
    subscription = await _direct(node)
    id_ = await _send(node)
    await _follow(node, database)
    await _claim(node)
    await node.do(BOB, MarkRead("d"))
    await _follow(node, database)
    assert _dismissed(*await _claim(node, PushResult(subscription.id, sent=(id_,)))) == [id_]


async def test_a_deleted_message_is_dismissed_on_all_devices_that_were_sent_to(node: Node, database: Database) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("g", ALICE, BOB, CAROL)
    found = [await _subscribe(node, actor, _target(actor.user_id)) for actor in (BOB, CAROL)]
    id_ = await _send(node, "@all look", to="g")
    await _follow(node, database)
    await _claim(node)
    await _claim(node, *(PushResult(each.id, sent=(id_,)) for each in found))
    await node.do(ALICE, DeleteMessage(str(id_)))
    await _follow(node, database)
    assert _dismissed(*await _claim(node)) == [id_, id_]


async def test_a_failure_is_retried_later_and_counted(node: Node, database: Database) -> None:
    subscription = await _direct(node)
    first = await _send(node, "one")
    await _follow(node, database)
    await _claim(node)
    await _claim(node, PushResult(subscription.id, failures=1, retry_ms=5000))
    second = await _send(node, "two")
    await _follow(node, database)
    assert await _next(node) == 5000, "later notifications do not hurry it"
    node.clock.now_ms += 5000
    (job,) = await _claim(node)
    assert (job.failures, _shown(job)) == (1, [first, second])


async def test_what_is_not_worth_showing_any_more_is_not_sent(node: Node, database: Database) -> None:
    subscription = await _direct(node)
    await _send(node)
    await _follow(node, database)
    await _claim(node)
    await _claim(node, PushResult(subscription.id, failures=1, retry_ms=PUSHABLE_MS))
    node.clock.now_ms += PUSHABLE_MS
    (job,) = await _claim(node)
    assert job.pushes == ()
    assert _count(node) == 0


async def test_sent_notifications_are_forgotten_after_a_week(node: Node, database: Database) -> None:
    subscription = await _direct(node)
    id_ = await _send(node)
    await _follow(node, database)
    await _claim(node)
    await _claim(node, PushResult(subscription.id, sent=(id_,)))
    node.clock.now_ms += DISMISSABLE_MS
    await _claim(node, PushResult(subscription.id))
    assert _count(node) == 0


async def test_a_busy_service_is_left_out_and_a_limit_kept(node: Node, database: Database) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("g", ALICE, BOB, CAROL)
    for actor, host in ((BOB, "busy.example.com"), (CAROL, "free.example.com")):
        await _subscribe(node, actor, _target("x", host))
    await _send(node, "@all look", to="g")
    await _follow(node, database)
    assert await _claim(node, limit=0) == ()
    (job,) = await _claim(node, busy=("https://busy.example.com",))
    assert job.service == "https://free.example.com"


async def test_a_subscription_ends_when_its_service_says_so_or_its_sign_in_expires(
    node: Node, database: Database
) -> None:
    subscription = await _direct(node)
    login = await node.do(BOB, OpenLogin("bob", "hash", 1000))
    await _subscribe(node, BOB, _target("signed in"), login.session.id)
    await _send(node)
    await _follow(node, database)
    node.clock.now_ms += 1000
    (job,) = await _claim(node)
    assert job.subscription == subscription
    await _claim(node, PushResult(subscription.id, is_gone=True))
    assert _count(node) == 0
    node.clock.now_ms += CLAIM_MS
    assert await _claim(node) == ()


async def test_a_subscription_that_moves_to_another_user_leaves_nothing_behind(node: Node, database: Database) -> None:
    await _direct(node)
    await node.users(CAROL)
    await _send(node)
    await _follow(node, database)
    await _subscribe(node, CAROL, _target("bob"))
    assert _count(node) == 0
    assert await _claim(node) == ()


async def test_contents_are_what_the_user_may_see_and_has_not_read(node: Node, database: Database) -> None:
    await _direct(node)
    await node.group("muted", ALICE, BOB)
    await node.do(BOB, SetMemberPreferences("muted", muted=True))
    for text in ("plain", "@bob"):
        await _send(node, text, to="muted")
    read, deleted, kept = [await _send(node, text) for text in ("read", "deleted", "kept")]
    await _follow(node, database)
    await node.do(BOB, MarkRead("d", str(read)))
    await node.do(ALICE, DeleteMessage(str(deleted)))
    keys = (*(("bob", id_) for id_ in (read, deleted, kept)), ("carol", kept))
    contents: Any = await node.do(PUSH_SENDER, ReadPushContents(("bob",), keys))
    shown = {key: content.notification.body for key, content in contents.found.items()}
    assert shown == {("bob", kept): "kept"}
    assert contents.badges == {"bob": 2}, "one message, and the mention in the muted conversation"
    await node.do(BOB, SetMemberPreferences("muted", muted=True, unmute_ms=node.clock.now_ms + 1000))
    contents = await node.do(PUSH_SENDER, ReadPushContents(("bob",), keys))
    assert contents.badges == {"bob": 2}
    node.clock.now_ms += 1000
    contents = await node.do(PUSH_SENDER, ReadPushContents(("bob",), keys))
    assert contents.badges == {"bob": 3}, "the mute has ended"

"""Token buckets, with the time as an argument."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from talkwire.core.commands.accounts import BanUser, GetUser
from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.typing import SendSignal, SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine import limits
from talkwire.core.engine.limits import (
    DEFAULT_RATES,
    Buckets,
    Kind,
    Limits,
    Rate,
    RateLimited,
    address_key,
    kind_of,
    parse_rates,
    site_key,
)


def approx(seconds: float) -> object:
    return pytest.approx(seconds, abs=1e-5)


def test_a_burst_is_let_through_and_then_one_by_one() -> None:
    buckets = Buckets(Rate(per_s=2, burst=3))
    assert [buckets.take("alice", 10) for _ in range(4)] == [0, 0, 0, approx(0.5)]
    assert buckets.take("alice", 10.25) == approx(0.25)
    assert buckets.take("alice", 10.5) == 0
    assert buckets.take("alice", 10.5) == approx(0.5)


def test_a_token_that_is_given_back_can_be_taken_again() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1), counts=True)
    buckets.give_back("alice")
    assert buckets.take("alice", 10) == 0
    buckets.give_back("alice")
    assert buckets.taken() == {}
    assert buckets.take("alice", 10) == 0
    assert buckets.taken() == {"alice": 1}
    buckets.give_back("alice")
    assert buckets.taken() == {}, "the other nodes know of the taking already"
    assert buckets.take("alice", 10) == 0
    assert buckets.take("alice", 10) > 0


@pytest.mark.parametrize("rate", [Rate(20, 60), Rate(3, 1000), Rate(0.7, 10), Rate(30, 150)])
def test_a_burst_has_its_last_token_too(rate: Rate) -> None:
    buckets = Buckets(rate)
    now = 123_456.789
    assert not any(buckets.take("alice", now) for _ in range(rate.burst))
    assert buckets.take("alice", now) > 0


def test_a_refusal_costs_nothing() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    buckets.take("alice", 0)
    for _ in range(100):
        assert buckets.take("alice", 0) == approx(1)
    assert buckets.take("alice", 1) == 0


def test_a_bucket_does_not_fill_beyond_its_burst() -> None:
    buckets = Buckets(Rate(per_s=1, burst=2))
    assert [buckets.take("alice", 1000) for _ in range(3)] == [0, 0, approx(1)]


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    assert buckets.take("alice", 0) == 0
    assert buckets.take("bob", 0) == 0
    assert buckets.take("alice", 0) == approx(1)


def test_a_refusal_takes_nothing() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    assert buckets.take("alice", 0) == 0
    assert buckets.take("alice", 0.25) == approx(0.75)
    assert buckets.take("alice", 0.25) == approx(0.75)


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    for number in range(100_000):
        buckets.take(str(number), number / 10)
    assert len(buckets) <= limits.BUCKETS_SWEPT_FROM


def test_empty_buckets_are_kept_when_full_ones_are_forgotten() -> None:
    buckets = Buckets(Rate(per_s=0.001, burst=1))
    buckets.take("alice", 0)
    for number in range(limits.BUCKETS_SWEPT_FROM * 3):
        buckets.take(str(number), 1)
    assert buckets.take("alice", 2) > 0


def test_there_are_never_more_buckets_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 2000)
    buckets = Buckets(Rate(per_s=0.001, burst=1))
    for number in range(10_000):
        buckets.take(str(number), 0)
    assert len(buckets) <= 2000


def test_buckets_that_stay_in_use_are_looked_through_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each new address would cost as much as there are buckets."""
    monkeypatch.setattr(limits, "BUCKETS_MAX", 2000)
    buckets = Buckets(Rate(per_s=0.001, burst=1))
    sizes = [len(buckets) for number in range(10_000) if buckets.take(str(number), 0) == 0]
    sweeps = sum(after < before for before, after in pairwise(sizes))
    assert 0 < sweeps <= 10_000 / 500


@pytest.mark.parametrize("kind", [Kind.SENDS, Kind.CHANGES, Kind.READS, Kind.SIGNALS, Kind.RETRIES, Kind.UPLOADS])
def test_an_agent_sends_and_changes_ten_times_as_much(kind: Kind) -> None:
    limited = Limits(parse_rates([f"{kind}=2/3"]))
    limited.is_agent = {"helper"}.__contains__
    factor = 10 if kind in {Kind.SENDS, Kind.CHANGES} else 1
    for user_id, times in (("helper", factor), ("alice", 1)):
        actor = Actor(user_id, "")
        assert not any(limited.take_for(actor, kind, 50) for _ in range(3 * times)), "at once"
        assert limited.take_for(actor, kind, 50) == approx(1 / (2 * times) if times == 1 else 1 / 18), "soon"
        passed = sum(not limited.take_for(actor, kind, 50 + step / 1000) for step in range(1, 10_002))
        assert passed == 2 * 10 * times, "in ten seconds"
    assert limited.exceeded[kind] == 2 + 2 * 10_001 - (factor + 1) * 20


def test_only_a_user_whose_tokens_are_used_up_may_be_an_agent() -> None:
    """What people do costs no look at what they are."""
    limited, asked = Limits(parse_rates(["sends=1/2"])), list[str]()

    def is_agent(user_id: str) -> bool:
        asked.append(user_id)
        return False

    limited.is_agent = is_agent
    assert [limited.take_for(Actor("alice", ""), Kind.SENDS, 0) for _ in range(2)] == [0, 0]
    assert asked == []
    assert limited.take_for(Actor("alice", ""), Kind.SENDS, 0) == approx(1)
    assert asked == ["alice"]


def test_the_backend_is_not_limited_and_a_moderator_is() -> None:
    limited = Limits(parse_rates(["sends=1/1"]))
    for role, waits in (("service", 0), ("admin", 1), ("user", 1)):
        actor = Actor(f"a {role}", "", role)  # type: ignore[arg-type]  # of a tuple of literals
        assert limited.take_for(actor, Kind.SENDS, 0) == 0
        assert limited.take_for(actor, Kind.SENDS, 0) == approx(waits)


def test_kinds_do_not_share_their_buckets() -> None:
    limited = Limits(parse_rates(["sends=1/1", "reads=1/1"]))
    limited.take_or_refuse(Kind.SENDS, "alice", 0)
    limited.take_or_refuse(Kind.READS, "alice", 0)
    with pytest.raises(ChatError) as refused:
        limited.take_or_refuse(Kind.SENDS, "alice", 0.5)
    assert refused.value.code == "rate_limited"
    assert refused.value.details == {"retryAfterMs": 500}


def test_a_refusal_always_names_a_wait() -> None:
    assert RateLimited(0.00001).details == {"retryAfterMs": 1}


def test_taken_tokens_are_reported_once() -> None:
    limited = Limits(parse_rates(["sends=1/2"]), shared=True)
    for _ in range(3):
        limited.take(Kind.SENDS, "alice", 0)
    limited.take(Kind.SENDS, "bob", 0)
    limited.take(Kind.READS, "alice", 0)
    assert limited.taken() == [(Kind.SENDS, {"alice": 2, "bob": 1}), (Kind.READS, {"alice": 1})]
    assert limited.taken() == []


def test_a_node_that_is_alone_counts_nothing_for_others() -> None:
    limited = Limits()
    limited.take(Kind.SENDS, "alice", 0)
    assert limited.taken() == []


def test_buckets_that_protect_passwords_are_not_published() -> None:
    limited = Limits(shared=True)
    limited.take(Kind.SIGN_INS, "192.0.2.7", 0)
    assert limited.taken() == []


def test_tokens_taken_on_other_nodes_refill_here_too() -> None:
    buckets = Buckets(Rate(per_s=1, burst=3))
    buckets.take("alice", 0)
    buckets.adopt([("alice", 5.0), ("bob", 2.0)])
    assert buckets.take("alice", 0) == approx(3)
    assert buckets.take("alice", 3) == 0
    assert [buckets.take("bob", 0) for _ in range(2)] == [0, approx(1)]


def test_adopting_shared_tokens_never_fills_a_bucket() -> None:
    buckets = Buckets(Rate(per_s=1, burst=2))
    assert [buckets.take("alice", 0) for _ in range(2)] == [0, 0]
    buckets.adopt([("alice", 1.0)])
    assert buckets.take("alice", 0) == approx(1)


def test_tokens_taken_after_a_report_are_added_to_the_shared_state() -> None:
    buckets = Buckets(Rate(per_s=1, burst=4), counts=True)
    buckets.take("alice", 0)
    assert buckets.taken() == {"alice": 1}
    buckets.take("alice", 0)
    buckets.adopt([("alice", 3.0)])
    assert buckets.take("alice", 0) == approx(1)
    assert buckets.taken() == {"alice": 1}


async def test_the_answer_of_all_nodes_counts_unless_the_own_bucket_is_empty() -> None:
    limited = Limits(parse_rates(["sign_ins=1/2"]), shared=True)
    asked: list[str] = []

    async def ask(kind: Kind, key: str) -> float:
        asked.append(key)
        return 0.0 if len(asked) == 1 else 7.5

    limited.ask = ask
    await limited.take_or_refuse_everywhere(Kind.SIGN_INS, "192.0.2.7", 0)
    waits = []
    for _ in range(2):
        with pytest.raises(ChatError) as refused:
            await limited.take_or_refuse_everywhere(Kind.SIGN_INS, "192.0.2.7", 0)
        waits.append(refused.value.details)
    assert waits == [{"retryAfterMs": 7500}, {"retryAfterMs": 1000}]
    assert asked == ["192.0.2.7"] * 2


def test_commands_count_as_what_they_do() -> None:
    commands = [SendMessage, SendNote, BanUser, GetUser, SetTyping, SendSignal, object]
    assert [kind_of(command) for command in commands] == [
        Kind.SENDS, Kind.SENDS, Kind.CHANGES, Kind.READS, Kind.SIGNALS, Kind.CUSTOM_SIGNALS, Kind.SIGNALS,
    ]  # fmt: skip


def test_rates_are_read_from_texts() -> None:
    rates = parse_rates(["sends=50/200", " reads = 0.5/1 "])
    assert rates[Kind.SENDS] == Rate(50, 200)
    assert rates[Kind.READS] == Rate(0.5, 1)
    assert rates[Kind.CHANGES] == DEFAULT_RATES[Kind.CHANGES]


def test_the_documentation_has_every_limit_with_its_figures() -> None:
    page = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [\w ]+ \| ([\d.]+) \| (\d+) \|", page, re.MULTILINE)
    assert {Kind(kind): Rate(float(per_s), int(burst)) for kind, per_s, burst in rows} == dict(DEFAULT_RATES)


@pytest.mark.parametrize(
    "text", ["", "sends", "sends=", "sends=5", "posts=1/1", "sends=0/5", "sends=1/0", "sends=-1/5", "sends=1/9/9"]
)
def test_a_text_that_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|nothing"):
        parse_rates([text])


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_addresses_of_one_customer_share_a_key(address: str, key: str) -> None:
    assert address_key(address) == key


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:db8:1:ffff::1", "2001:db8:1::"),
        ("192.0.2.7", None),
        ("::ffff:192.0.2.7", None),
        ("", None),
        ("testclient", None),
    ],
)
def test_an_address_of_ipv6_is_in_a_site_of_many_networks(address: str, key: str | None) -> None:
    assert site_key(address) == key


def test_a_kind_that_only_exempts_counts_no_refusals() -> None:
    limits = Limits()
    for kind in (Kind.FIRST_SIGN_INS, Kind.ACCOUNT_SIGN_INS):
        while not limits.take(kind, "alice", 0.0):
            pass
    assert (limits.exceeded[Kind.FIRST_SIGN_INS], limits.exceeded[Kind.ACCOUNT_SIGN_INS]) == (0, 1)

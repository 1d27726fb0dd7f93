"""Several nodes together allow a user what one node would allow, and more only within the documented bound."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.bus.shared_limits import REPORT_EVERY_S
from talkwire.core.engine.limits import Buckets, Rate
from tests.bus.bucket_model import simulate
from tests.repetition import repetitions

DELAY_MAX_S = 0.1
LAG_S = REPORT_EVERY_S + 2 * DELAY_MAX_S
"""From a take until its node has learnt of it what Redis knows."""

RATES = st.builds(Rate, st.sampled_from([0.5, 2.0, 7.0, 20.0]), st.sampled_from([1, 3, 10, 40]))
SEEDS = st.integers(0, 2**32)


def flood(nodes: int, lasts_s: float) -> list[tuple[float, int]]:
    """As fast as makes a difference, on all nodes at once."""
    return [(step * 0.01, node) for step in range(int(lasts_s * 100)) for node in range(nodes)]


def wander(chance: random.Random, nodes: int, lasts_s: float) -> list[tuple[float, int]]:
    """Returns bursts and idle times on one node after another: each node may have forgotten the user when its turn
    comes again.
    """
    takes, now = [], 0.0
    while now < lasts_s:
        node = chance.randrange(nodes)
        takes += [(now, node) for _ in range(chance.randrange(1, 60))]
        now += chance.choice([0.0, 0.01, 0.05, 0.3, 1.0, 5.0]) * chance.random()
    return takes


def alone(rate: Rate, takes: list[tuple[float, int]]) -> list[float]:
    """When one node without others lets something through."""
    bucket = Buckets(rate)
    return [at for at, _ in sorted(takes) if not bucket.take("alice", at)]


@settings(max_examples=repetitions(40), deadline=None)
@given(rate=RATES, nodes=st.integers(1, 5), seed=SEEDS, floods=st.booleans())
def test_nodes_together_let_through_no_more_than_a_burst_each_and_the_rate(
    rate: Rate, nodes: int, seed: int, *, floods: bool
) -> None:
    chance = random.Random(seed)
    takes = flood(nodes, 10) if floods else wander(chance, nodes, 60)
    clocks = [chance.choice([0.0, 3600.0, 7200.5]) for _ in range(nodes)]
    course = simulate(rate, nodes, takes, lambda: chance.random() * DELAY_MAX_S, clocks)
    bound = nodes * (rate.burst + rate.per_s * LAG_S) + rate.per_s * LAG_S
    assert course.most_beyond(rate) <= bound + 1


@settings(max_examples=repetitions(25), deadline=None)
@given(rate=RATES, seed=SEEDS)
def test_a_node_that_is_alone_with_a_steady_redis_limits_as_one_without(rate: Rate, seed: int) -> None:
    takes = wander(random.Random(seed), 1, 60)
    assert simulate(rate, 1, takes, lambda: 0.03).let_through == alone(rate, takes)


@settings(max_examples=repetitions(25), deadline=None)
@given(rate=RATES, nodes=st.integers(1, 5), seed=SEEDS)
def test_a_user_who_never_stops_gets_the_whole_rate_on_any_number_of_nodes(rate: Rate, nodes: int, seed: int) -> None:
    chance = random.Random(seed)
    course = simulate(rate, nodes, flood(nodes, 10), lambda: chance.random() * DELAY_MAX_S)
    at_least = alone(rate, flood(1, 10 - DELAY_MAX_S))
    assert len(course.let_through) >= len(at_least) - 1

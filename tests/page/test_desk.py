"""The desk of a team: who handles a conversation, and since when somebody waits."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_customer_is_served_by_one_colleague_after_the_other(
    driver: Driver, demo_url: str, service_token: str
) -> None:
    assert run(driver, demo_url, "desk", "journey", token=service_token)["served"] == {
        "waits": True,
        "answered": 0,
        "forCustomer": {"entries": 0, "bars": 0},
    }

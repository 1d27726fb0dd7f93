"""The double of OpenAI's API, and a model that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from talkwire_agent.model import Model
from tests.clients_python.agent.openai_double import OpenAiDouble, running_double
from tests.waiting import DEADLINE_S


@pytest.fixture
async def double() -> AsyncIterator[OpenAiDouble]:
    async with running_double() as found:
        yield found


@pytest.fixture
async def model(double: OpenAiDouble) -> AsyncIterator[Model]:
    async with Model(double.url, "small", api_key="secret", timeout_s=DEADLINE_S) as found:
        yield found

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Literal

import pytest
from argon2 import PasswordHasher

from talkwire.core.domain.errors import ChatError
from talkwire.identity.passwords import PASSWORD_MAX_BYTES, HashCost, Passwords
from tests.processor_time import at_most
from tests.waiting import DEADLINE_S

CHEAP = HashCost(passes=1, memory_kib=8, lanes=1)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(CHEAP)
    yield passwords
    passwords.close()


async def test_the_right_password_matches_and_another_does_not(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horse ")
    assert not await passwords.verify(stored, "")


async def test_one_password_is_hashed_differently_each_time(passwords: Passwords) -> None:
    assert await passwords.hash("password") != await passwords.hash("password")


async def test_keyboards_that_compose_letters_differently_enter_the_same_password(passwords: Passwords) -> None:
    stored = await passwords.hash("pa\u0308ss")
    assert await passwords.verify(stored, "p\u00e4ss")


async def test_an_unknown_account_matches_no_password(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "password")
    assert not await passwords.verify(None, "")


async def test_an_unknown_account_costs_one_comparison_at_the_same_cost(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    verify = PasswordHasher.verify

    def record(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> bool:
        compared.append(str(stored))
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", record)
    await passwords.verify(await passwords.hash("password"), "wrong")
    await passwords.verify(None, "wrong")
    known, unknown = compared
    assert known.split("$")[:4] == unknown.split("$")[:4]
    assert len(known) == len(unknown)


async def test_a_stored_text_that_is_no_hash_matches_nothing(passwords: Passwords) -> None:
    for stored in ("", "password", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"):
        assert not await passwords.verify(stored, "password")


async def test_a_hash_made_at_another_cost_is_to_be_made_again(passwords: Passwords) -> None:
    dearer = Passwords(HashCost(passes=2, memory_kib=16, lanes=1))
    stored = await dearer.hash("password")
    assert await passwords.verify(stored, "password")
    assert passwords.needs_rehash(stored)
    assert not dearer.needs_rehash(stored)
    assert passwords.needs_rehash("rubbish")
    dearer.close()


async def test_an_endless_password_is_not_hashed_and_matches_nothing(passwords: Passwords) -> None:
    longest = "x" * PASSWORD_MAX_BYTES
    stored = await passwords.hash(longest)
    assert not await passwords.verify(stored, longest + "x")
    with pytest.raises(ChatError) as caught:
        await passwords.hash(longest + "x")
    assert caught.value.code == "invalid_request"


async def test_a_password_costs_the_loop_nothing_whatever_is_in_it(passwords: Passwords) -> None:
    """Sorting combining marks takes quadratic time."""
    marks = "a" + "\u0315" * 32_000 + "\u0300" * 32_000
    with at_most(0.05):
        with pytest.raises(ChatError):
            await passwords.hash(marks)
        assert not await passwords.verify(None, marks)
        stored = await passwords.hash(marks[31_900:32_200])
        assert await passwords.verify(stored, marks[31_900:32_200])


async def test_letters_are_composed_beside_the_loop(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    def record(form: Literal["NFC"], text: str) -> str:
        threads.add(threading.get_ident())
        return unicodedata.normalize(form, text)

    monkeypatch.setattr("talkwire.identity.passwords.unicodedata", SimpleNamespace(normalize=record))
    await passwords.verify(await passwords.hash("password"), "password")
    assert threads
    assert threading.get_ident() not in threads


async def test_a_lone_surrogate_in_a_password_is_just_another_letter(passwords: Passwords) -> None:
    stored = await passwords.hash("a\ud800")
    assert await passwords.verify(stored, "a\ud800")
    assert not await passwords.verify(stored, "a")


async def test_hashes_are_computed_beside_the_loop_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    verify = PasswordHasher.verify

    def record(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> bool:
        threads.add(threading.get_ident())
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", record)
    passwords = Passwords(CHEAP, workers=2)
    await asyncio.gather(*(passwords.verify(None, "x") for _ in range(40)))
    assert len(threads) <= 2
    assert threading.get_ident() not in threads
    passwords.close()


async def test_callers_beyond_the_queue_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def wait(_self: PasswordHasher, _stored: str | bytes, _password: str | bytes) -> bool:
        return gate.wait(DEADLINE_S)

    monkeypatch.setattr(PasswordHasher, "verify", wait)
    passwords = Passwords(CHEAP, workers=1, waiting_max=2)
    tasks = [asyncio.create_task(passwords.verify("stored", "x")) for _ in range(4)]
    refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    (error,) = [task.exception() for task in refused]
    assert isinstance(error, ChatError)
    assert error.code == "unavailable"
    gate.set()
    assert await asyncio.gather(*(task for task in tasks if task not in refused)) == [True, True, True]
    passwords.close()

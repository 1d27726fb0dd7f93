"""Sign-ins through an OpenID provider: who a user is, and what is taken over from the provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from talkwire.core.commands.accounts import (
    BanUser,
    Device,
    EraseUser,
    GetUser,
    ListLogins,
    Login,
    OpenLogin,
    OpenProviderLogin,
    PutUser,
    RegisterAccount,
    RotateLogin,
    UpdateUser,
)
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import Actor, ProviderProfile, User
from talkwire.core.features.users.accounts import normal_email
from tests.contracts.node import BACKEND, OPERATOR, Clock, Node, running
from tests.databases import Database

ANYONE = Actor("", "")
ISSUER = "https://login.example.com"
ANN = ProviderProfile("Ann", "ann@example.com", "https://login.example.com/ann.png", "ann")
HOUR_MS = 3_600_000


@pytest.fixture
async def team(database: Database, clock: Clock) -> AsyncIterator[Node]:
    """A chat whose users sign in through a provider only."""
    policy = AccessPolicy(accounts="off", oidc_issuer=ISSUER, default_conversations=("general",))
    async with running(database, clock, policy=policy) as node:
        yield node


def _asked(
    subject: str = "1", profile: ProviderProfile = ANN, issuer: str = ISSUER, *, token_hash: str = "t1"
) -> OpenProviderLogin:
    return OpenProviderLogin(issuer, subject, profile, token_hash, HOUR_MS, Device("192.0.2.1", "Browser"))


async def _sign_in(node: Node, subject: str = "1", profile: ProviderProfile = ANN, issuer: str = ISSUER) -> User:
    login = await node.do(ANYONE, _asked(subject, profile, issuer))
    assert isinstance(login, Login)
    return login.user


def _actor(user: User) -> Actor:
    return Actor(user.id, user.name)


async def test_the_first_sign_in_creates_a_user_who_joins_the_default_conversations(team: Node) -> None:
    await team.users(Actor("bob", "Bob"))
    await team.do(BACKEND, CreateConversation("group", ("bob",), id="general"))
    user = await _sign_in(team)
    assert is_own_id(user.id)
    assert (user.name, user.email, user.avatar, user.handle) == (ANN.name, ANN.email, ANN.avatar, ANN.handle)
    assert await team.do(_actor(user), GetUser(user.id)) == user
    assert await team.roles("general") == {"bob": "member", user.id: "member"}
    (device,) = await team.do(_actor(user), ListLogins(0))
    assert (device.issuer, device.address, device.user_agent) == (ISSUER, "192.0.2.1", "Browser")


async def test_issuer_and_subject_say_who_a_user_is_and_an_address_does_not(team: Node) -> None:
    account = await team.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "hash"))
    first = await _sign_in(team)
    others = [await _sign_in(team, "2"), await _sign_in(team, "1", issuer="https://other.example.com")]
    assert (await _sign_in(team)).id == first.id
    assert len({account.id, first.id, *(other.id for other in others)}) == 4


def _linking(subject: str = "1", profile: ProviderProfile = ANN) -> OpenProviderLogin:
    return OpenProviderLogin(ISSUER, subject, profile, f"t{subject}", HOUR_MS, create_user=False, links_by_email=True)


async def test_a_verified_address_links_to_the_user_who_has_it_and_no_sign_in(team: Node) -> None:
    await team.do(BACKEND, PutUser("U0ANN", name="Annie", email="Ann@Example.com"))
    await team.group("c", Actor("U0ANN", "Annie"))
    user = (await team.do(ANYONE, _linking())).user
    assert (user.id, user.name, user.email) == ("U0ANN", "Annie", "ann@example.com")
    assert (user.avatar, user.handle) == (ANN.avatar, ANN.handle)
    assert await team.do(_actor(user), GetUser("U0ANN")) == user
    assert "U0ANN" in await team.roles("c")
    # Then issuer and subject say who the user is, whatever happens to the address.
    renamed = await _sign_in(team, profile=ProviderProfile("Ann Lee", "lee@example.com"))
    assert (renamed.id, renamed.name, renamed.email) == ("U0ANN", "Annie", "ann@example.com")
    assert await team.refusal(ANYONE, _linking("2")) == "forbidden"


async def test_what_an_incomplete_profile_lacks_stays(team: Node) -> None:
    await _sign_in(team)
    incomplete = replace(_asked(profile=ProviderProfile("Ann Lee")), keeps_missing=True)
    user = (await team.do(ANYONE, incomplete)).user
    assert (user.name, user.email, user.avatar, user.handle) == ("Ann Lee", ANN.email, ANN.avatar, ANN.handle)
    # A complete profile without them removes them.
    user = await _sign_in(team, profile=ProviderProfile("Ann Lee"))
    assert (user.email, user.avatar) == (None, None)


LOOKALIKES = (
    ("strau\N{LATIN SMALL LETTER SHARP S}@example.com", "strauss@example.com"),
    ("ann@fa\N{LATIN SMALL LETTER SHARP S}.example", "ann@fass.example"),
    ("\N{KELVIN SIGN}im@example.com", "kim@example.com"),
    ("\N{LATIN SMALL LIGATURE FI}nn@example.com", "finn@example.com"),
    ("\N{LATIN SMALL LETTER LONG S}am@example.com", "sam@example.com"),
    ("\N{GREEK CAPITAL LETTER SIGMA}@example.com", "\N{GREEK SMALL LETTER SIGMA}@example.com"),
    ("zoe\N{COMBINING DIAERESIS}@example.com", "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}@example.com"),
)
"""Different addresses that are equal without case or in a normal form of Unicode."""


async def test_an_address_links_only_to_the_same_letters(team: Node) -> None:
    for number, (address, other) in enumerate(LOOKALIKES):
        same_id, other_id = f"same-{number}", f"other-{number}"
        await team.do(BACKEND, PutUser(other_id, email=other))
        linking = _linking(same_id, ProviderProfile("Ann", normal_email(address.replace("example", "EXAMPLE"))))
        assert await team.refusal(ANYONE, linking) == "forbidden"
        await team.do(BACKEND, PutUser(same_id, email=address))
        assert (await team.do(ANYONE, linking)).user.id == same_id
        linking = _linking(other_id, ProviderProfile("Ben", normal_email(other)))
        assert (await team.do(ANYONE, linking)).user.id == other_id


async def test_an_address_links_to_no_user_unless_it_is_verified(team: Node) -> None:
    await team.do(BACKEND, PutUser("U0ANN", email="ann@example.com"))
    assert (await _sign_in(team)).id != "U0ANN"


async def test_an_address_links_neither_to_an_account_nor_to_one_of_several_users(team: Node) -> None:
    await team.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "hash"))
    assert await team.refusal(ANYONE, _linking()) == "forbidden"
    assert await team.refusal(ANYONE, _linking(profile=ProviderProfile("Ann"))) == "forbidden"
    await team.do(BACKEND, PutUser("U0BEN", email="ben@example.com"))
    await team.do(BACKEND, PutUser("U0BENNY", email="ben@example.com"))
    assert await team.refusal(ANYONE, _linking("2", ProviderProfile("Ben", "ben@example.com"))) == "forbidden"


async def test_an_address_links_to_no_user_of_another_provider(team: Node) -> None:
    await _sign_in(team, issuer="https://other.example.com")
    assert await team.refusal(ANYONE, _linking()) == "forbidden"


async def test_an_address_of_a_banned_user_links_to_nobody(team: Node) -> None:
    await team.do(BACKEND, PutUser("U0ANN", email="ann@example.com"))
    await team.do(OPERATOR, BanUser("U0ANN"))
    assert await team.refusal(ANYONE, _linking()) == "banned"
    await team.do(OPERATOR, EraseUser("U0ANN", redact=False))
    assert await team.refusal(ANYONE, _linking()) == "forbidden"


async def test_two_first_sign_ins_at_once_create_one_user(team: Node) -> None:
    logins = await asyncio.gather(*(team.do(ANYONE, _asked(token_hash=f"t{number}")) for number in range(4)))
    assert len({login.user.id for login in logins}) == 1
    assert len({login.session.id for login in logins}) == 4


async def test_what_is_new_at_the_provider_is_taken_over(team: Node) -> None:
    user = await _sign_in(team)
    married = await _sign_in(team, profile=ProviderProfile("Ann Lee", "lee@example.com", None, "ann.lee"))
    assert married.id == user.id
    assert (married.name, married.email, married.avatar, married.handle) == (
        "Ann Lee",
        "lee@example.com",
        None,
        "ann.lee",
    )
    events = len(team.log)
    await _sign_in(team, profile=ProviderProfile("Ann Lee", "lee@example.com", None, "ann.lee"))
    assert [type(event).__name__ for event in team.log[events:]] == ["LoginOpened"]


async def test_what_was_set_here_stays(team: Node) -> None:
    user = await _sign_in(team)
    await team.do(_actor(user), UpdateUser(name="Annie", avatar=None, handle=None))
    await team.do(BACKEND, PutUser(user.id, email="annie@example.com"))
    for profile in (
        ANN,
        ProviderProfile("Ann Lee", "lee@example.com", "https://login.example.com/lee.png", "lee"),
        ANN,
    ):
        after = await _sign_in(team, profile=profile)
        assert (after.name, after.email, after.avatar, after.handle) == ("Annie", "annie@example.com", None, None)


async def test_a_handle_that_is_taken_is_left_out_until_it_is_free(team: Node) -> None:
    await team.users(Actor("bob", "Bob"), Actor("ann.lee", "Another"))
    await team.do(BACKEND, PutUser("bob", handle="ann"))
    assert (await _sign_in(team)).handle is None
    assert (await _sign_in(team, "2", ProviderProfile("Ann", handle="ann.lee"))).handle is None
    await team.do(BACKEND, PutUser("bob", handle=None))
    assert (await _sign_in(team)).handle == "ann"
    assert (await _sign_in(team, profile=ProviderProfile("Ann"))).handle == "ann"


async def test_a_banned_user_and_an_unwanted_new_one_are_refused(team: Node) -> None:
    user = await _sign_in(team)
    await team.do(OPERATOR, BanUser(user.id))
    assert await team.refusal(ANYONE, _asked(profile=ProviderProfile("Other"))) == "banned"
    assert (await team.do(BACKEND, GetUser(user.id))).name == "Ann"
    closed = OpenProviderLogin(ISSUER, "2", ANN, "t", HOUR_MS, create_user=False)
    assert await team.refusal(ANYONE, closed) == "forbidden"
    known = await _sign_in(team, "3", ProviderProfile("Cem"))
    again = await team.do(
        ANYONE, OpenProviderLogin(ISSUER, "3", ProviderProfile("Cem"), "u", HOUR_MS, create_user=False)
    )
    assert again.user.id == known.id


async def test_an_erased_user_returns_as_another(team: Node) -> None:
    user = await _sign_in(team)
    await team.do(_actor(user), EraseUser(user.id, redact=True))
    again = await _sign_in(team)
    assert again.id != user.id
    assert again.handle == "ann"


@pytest.mark.parametrize(
    "command",
    [
        _asked(""),
        _asked("x" * 256),
        _asked("\x00"),
        _asked(profile=ProviderProfile(" ")),
        _asked(profile=ProviderProfile("Ann", email="ann")),
        _asked(profile=ProviderProfile("Ann", avatar="javascript:alert(1)")),
        _asked(profile=ProviderProfile("Ann", handle="all")),
    ],
)
async def test_what_no_user_can_have_is_refused(team: Node, command: OpenProviderLogin) -> None:
    assert await team.refusal(ANYONE, command) == "invalid_request"


async def test_a_device_remains_signed_in_only_while_its_way_is_open(database: Database, clock: Clock) -> None:
    both = AccessPolicy(oidc_issuer=ISSUER)
    async with running(database, clock, policy=both) as node:
        account = await node.do(ANYONE, RegisterAccount("bob@example.com", "Bob", "hash"))
        of_account = await node.do(ANYONE, OpenLogin(account.id, "a1", HOUR_MS))
        of_provider = await node.do(ANYONE, _asked(token_hash="p1"))
        renewed = [
            await node.do(ANYONE, RotateLogin(of_account.session.id, "a1", "a2", HOUR_MS)),
            await node.do(ANYONE, RotateLogin(of_provider.session.id, "p1", "p2", HOUR_MS)),
        ]
        assert [login.session.issuer for login in renewed if login] == [None, ISSUER]

    async def is_renewed(policy: AccessPolicy, session_id: str, old: str) -> bool:
        async with running(database, clock, policy=policy) as node:
            return await node.do(ANYONE, RotateLogin(session_id, old, f"{old}'", HOUR_MS)) is not None

    assert not await is_renewed(AccessPolicy(), of_provider.session.id, "p2")
    assert not await is_renewed(AccessPolicy(oidc_issuer="https://new.example.com"), of_provider.session.id, "p2")
    assert not await is_renewed(AccessPolicy(accounts="off", oidc_issuer=ISSUER), of_account.session.id, "a2")
    assert await is_renewed(both, of_provider.session.id, "p2")
    assert await is_renewed(both, of_account.session.id, "a2")

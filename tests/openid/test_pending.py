"""What a browser keeps of a sign-in."""

from __future__ import annotations

from talkwire.openid.pending import LIFETIME_S, Destination, PendingSignIn, SignInSeal

SECRET = "a secret for tests, of more than 32 characters"
PENDING = PendingSignIn("state", "nonce", "verifier", "https://chat.example.com/", Destination("order-17", "8", "code"))


def test_a_sealed_sign_in_is_opened_by_every_node_for_ten_minutes() -> None:
    sealed = SignInSeal(SECRET, lambda: 1000.0).close(PENDING)
    assert SignInSeal(SECRET, lambda: 1000.0 + LIFETIME_S).open(sealed) == PENDING
    assert SignInSeal(SECRET, lambda: 1001.0 + LIFETIME_S).open(sealed) is None
    assert SignInSeal(SECRET[::-1], lambda: 1000.0).open(sealed) is None


def test_what_this_server_has_not_sealed_is_refused() -> None:
    seal = SignInSeal(SECRET)
    sealed = seal.close(PENDING)
    assert seal.open(sealed) == PENDING
    for changed in ("", "x", "ä", sealed[:-4], f"{sealed[:50]}{sealed[50:80].swapcase()}{sealed[80:]}", sealed * 20):
        assert seal.open(changed) is None, changed


def test_the_cookie_tells_nothing() -> None:
    sealed = SignInSeal(SECRET).close(PENDING)
    assert "verifier" not in sealed
    assert (
        len(SignInSeal(SECRET).close(PendingSignIn("s" * 32, "n" * 32, "v" * 64, "u" * 300, PENDING.destination)))
        < 2000
    )

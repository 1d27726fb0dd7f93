"""How the address of a PostgreSQL database is read: as libpq reads it, or refused with a reason."""

from __future__ import annotations

import string
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.storage.conninfo import connecting_s, first_server, parse, shown, with_own
from talkwire.storage.engine import database_url, parameters_of

OWN = {"connect_timeout": "5", "fallback_application_name": "talkwire"}

FORMS = {
    "postgresql://u:p@h1:5432,h2:5433/d?target_session_attrs=read-write": {
        "host": "h1,h2",
        "port": "5432,5433",
        "target_session_attrs": "read-write",
    },
    "postgresql://u:p@h1,h2/d?port=5432": {"host": "h1,h2", "port": "5432"},
    "postgres://u:p@/d?host=h1,h2&port=1,2": {"host": "h1,h2", "port": "1,2"},
    "postgresql+psycopg://u:p@[2001:db8::1]:5433/d": {"host": "2001:db8::1", "port": "5433"},
    "postgresql://u:p@[::1],h2/d": {"host": "::1,h2", "port": ","},
    "postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/d": {"host": "/var/run/postgresql"},
    "postgresql://u:p@/d?host=/var/run/postgresql": {"host": "/var/run/postgresql"},
    "postgresql://u:p@h/d?hostaddr=10.0.0.1": {"host": "h", "hostaddr": "10.0.0.1"},
    "postgresql://u:p@/d?service=chat&passfile=%2Fetc%2Fpg%20pass": {"service": "chat", "passfile": "/etc/pg pass"},
    "postgresql://u:p@h/d?sslrootcert=%2Fx%20y%2Fca.pem&application_name=a%2Bb": {
        "host": "h",
        "sslrootcert": "/x y/ca.pem",
        "application_name": "a+b",
    },
    "postgresql://u:p@h/d?options=-csearch_path%3Dchat": {"host": "h", "options": "-csearch_path=chat"},
    "postgresql://h/d?user=u&password=p": {"host": "h"},
}


@pytest.mark.parametrize(("url", "more"), FORMS.items())
def test_every_form_of_libpq_is_read(url: str, more: dict[str, str]) -> None:
    expected = {"user": "u", "password": "p", "dbname": "d", **more}
    assert parse(url) == expected
    assert parameters_of(database_url(url)) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:p@ss@h/d", r"the user name or password contains '@', .* \(%40\)"),
        ("postgresql://u:p/ss@h/d", r"the user name or password contains '/', .* \(%2F\)"),
        ("postgresql://u:p@ss/w@h/d", "contains '@'"),
        ("postgresql://u:12/3@h/d", "contains '/'"),
        ("postgresql://u:p%zz@h/d", "write the character % as %25"),
        ("postgresql://u:p%00@h/d", "write the character % as %25"),
        ("postgresql://u:p%cent@h/d", "not UTF-8; write the character % as %25"),
        ("postgresql://u:\ud800@h/d", "not UTF-8"),
        ("postgresql://u:a b@h/d", "contains a space"),
        ("postgresql://u:p@h/d\n", "control character"),
        ("postgresql://u:p@h/d?sslmod=require", 'unknown parameter "sslmod"; did you mean sslmode?'),
        ("postgresql://u:p@h/d?ssl=true&prepare_threshold=0", 'unknown parameter "prepare_threshold"'),
        ("postgresql://u:p@h/d?sslmode", 'the parameter "sslmode" needs a value'),
        ("postgresql://u:p@h/d?options=-csearch_path=chat", r"\"options\" contains '=', .* \(%3D\)"),
        ("postgresql://h/d?password=a&b", '"password", or what follows it'),
        ("postgresql://h1,h2/d?host=a:1&host=b:2", 'has the parameter "host" twice; several hosts are written as'),
        ("postgresql://h/d?sslmode=require&sslmode=disable", 'has the parameter "sslmode" twice$'),
        ("postgresql://h:port/d", "the port must be a number from 1 to 65535"),
        ("postgresql://h:5432,h2:0/d", "the port must be a number"),
        ("postgresql://h/d?port=99999", "the port must be a number"),
        ("postgresql://h1,h2,h3/d?port=1,2", "names 2 ports for 3 hosts"),
        ("postgresql://::1/d", "the port must be a number"),
        ("postgresql://[::1/d", "IPv6 address in brackets"),
        ("postgresql://h/d?client_encoding=latin1", '"client_encoding" must be utf8'),
        ("postgresql://h/d?replication=database", "replication"),
        ("postgresql://h/d?connect_timeout=soon", '"connect_timeout" must be a whole number'),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_reason(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(url)


PRINTABLE = st.text(string.ascii_letters + string.digits + string.punctuation + " äß…", min_size=1, max_size=20)


@given(PRINTABLE, PRINTABLE, PRINTABLE)
@example("u@x", "p@ss-w0rd", "chat db")
def test_a_percent_encoded_address_means_what_it_says(user: str, password: str, database: str) -> None:
    user, password, database = (quote(part, safe="") for part in (user, password, database))
    url = f"postgresql://{user}:{password}@h:1/{database}"
    assert quote(parameters_of(database_url(url))["password"], safe="") == password
    assert shown(url) == f"postgresql://{user}:***@h:1/{database}"


@given(st.text(string.printable, max_size=12))
@example("@/x")
@example("/1?host=CANARY@")
@example("1/CANARY?CANARY=CANARY")
@example("?password=CANARY&")
def test_an_unescaped_password_is_the_password_or_refused_without_a_part_of_it(text: str) -> None:
    url = f"postgresql://user:CANARY{text}CANARY@h/d"
    refusal = _refusal(url)
    if refusal is not None:
        assert "CANARY" not in refusal
    else:
        assert {name for name, value in parse(url).items() if "CANARY" in value} == {"password"}
        assert shown(url) == "postgresql://user:***@h/d"


def _refusal(url: str) -> str | None:
    """Returns what is printed of the error for a URL, with its traceback; None if it is accepted."""
    try:
        parse(url)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error).format())
    return None


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    url = "postgresql+psycopg://u:p@h1,h2/d?sslpassword=secret&port=1&application_name=a&service=s"
    assert shown(url) == "postgresql+psycopg://u:***@h1,h2/d?port=1&service=s"
    assert shown("postgresql:///d?host=/run/x") == "postgresql:///d?host=/run/x"


def test_own_parameters_are_added_where_the_address_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGOPTIONS", "PGCONNECT_TIMEOUT", "PGSERVICE", "PGCLIENTENCODING"):
        monkeypatch.delenv(name, raising=False)
    kept = {"host": "h", "options": "-c search_path=chat", "connect_timeout": "9"}
    assert with_own({"host": "h"}, OWN) == {"host": "h", **OWN, "client_encoding": "utf8"}
    assert with_own(kept, OWN) == {**OWN, **kept, "client_encoding": "utf8"}


def test_the_environment_and_the_service_file_count_like_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = tmp_path / "services.conf"
    services.write_text(
        "[chat]\nhost=db.example.com,other\nport=5444\noptions=-c search_path=chat\nconnect_timeout=9\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGOPTIONS", "-c search_path=other")
    assert "connect_timeout" not in with_own({"service": "chat"}, OWN)
    assert first_server({"service": "chat"}) == ("db.example.com", 5444)
    assert connecting_s({"service": "chat"}) == 18
    monkeypatch.setenv("PGSERVICE", "chat")
    assert "connect_timeout" not in with_own({}, OWN)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://h1:1,h2:2/d", ("h1", 1)),
        ("postgresql://[::1]/d", ("::1", 5432)),
        ("postgresql://h/d?hostaddr=10.0.0.1,10.0.0.2&port=7", ("10.0.0.1", 7)),
        ("postgresql:///d?host=/run/x", ("/run/x", 5432)),
        ("postgresql:///d", ("", 5432)),
    ],
)
def test_the_first_server_is_the_one_that_libpq_tries_first(
    url: str, place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    assert first_server(parse(url)) == place


def test_a_connection_attempt_without_a_limit_has_none() -> None:
    assert connecting_s({"host": "a,b", "connect_timeout": "3"}) == 6
    assert connecting_s({"host": "a", "connect_timeout": "0"}) is None

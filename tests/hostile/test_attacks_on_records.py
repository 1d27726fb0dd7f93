"""Records that cannot be shown are refused, and former or new members read nothing that is not theirs."""

from __future__ import annotations

import pytest

from rigs.hostile.client import Json, Rest
from rigs.hostile.reading import read_strictly

BEYOND = (
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
)


def pages(rest: Rest, user: str, after: str) -> str:
    """Returns all pages of `sync` after a cursor, as text; empty if the cursor is refused."""
    output: list[str] = []
    while True:
        answer = rest.ask(user, "GET", f"sync?after={after}&limit=100")
        if answer.status_code in {403, 410, 422}:
            return "".join(output)
        assert answer.status_code == 200, answer.text
        output.append(answer.text)
        page = answer.json()
        after = page["cursor"]
        if not page["more"]:
            return "".join(output)


def conversation(rest: Rest, id_: str, *members: str, **further: object) -> str:
    body = {"kind": "group", "id": id_, "memberIds": list(members), "ownerId": members[0], **further}
    return str(rest.done("backend", "POST", "conversations", json=body)["id"])


def message(rest: Rest, sender: str, conversation_id: str, content: str, **further: object) -> Json:
    return rest.done(
        sender, "POST", "messages", json={"conversationId": conversation_id, "content": content, **further}
    )


def made_up_cursor(rest: Rest, user: str) -> str:
    """Returns a cursor for the beginning of the log, as any user who has seen a cursor could forge it."""
    cursor = str(rest.done(user, "GET", "sync")["cursor"])
    return f"{cursor.partition('-')[0]}-0"


# --- who is gone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["banned", "removed", "left", "deleted"])
@pytest.mark.parametrize("cursor", ["old", "made-up"])
def test_an_ex_member_reads_no_messages_by_a_cursor(rest: Rest, way: str, cursor: str) -> None:
    gone = f"gone-{way}-{cursor}"
    rest.done(gone, "GET", "users/me")
    old = str(rest.done(gone, "GET", "sync")["cursor"])
    id_ = conversation(rest, f"of-{gone}", "owner", "author", gone)
    ids = [message(rest, "author", id_, f"before {number} secret")["id"] for number in range(3)]
    match way:
        case "banned":
            rest.done("owner", "PUT", f"conversations/{id_}/bans/{gone}", json={})
        case "removed":
            rest.done("owner", "DELETE", f"conversations/{id_}/members/{gone}")
        case "left":
            rest.done(gone, "DELETE", f"conversations/{id_}/members/{gone}")
        case _:
            pass
    for message_id in ids:
        rest.done("author", "PATCH", f"messages/{message_id}", json={"content": "edited secret"})
    if way == "deleted":
        rest.done("owner", "DELETE", f"conversations/{id_}")
    output = pages(rest, gone, old if cursor == "old" else made_up_cursor(rest, gone))
    assert "edited secret" not in output
    assert "before" not in output


def test_an_ex_member_reads_nothing_by_a_key_of_a_request_that_was_carried_out(rest: Rest) -> None:
    id_ = conversation(rest, "of-retry", "owner", "author", "gone-retry")
    headers = {"idempotency-key": "once"}
    body = {"title": "secret title", "amount": 1, "currency": "EUR"}
    rest.done("gone-retry", "POST", f"conversations/{id_}/offers", json=body, headers=headers)
    rest.done("owner", "DELETE", f"conversations/{id_}/members/gone-retry")
    again = rest.ask("gone-retry", "POST", f"conversations/{id_}/offers", json=body, headers=headers)
    assert again.status_code == 403
    assert "secret title" not in again.text


# --- who is new -----------------------------------------------------------------------------------------------------


def test_a_newcomer_reads_nothing_from_before_in_a_quote(rest: Rest) -> None:
    id_ = conversation(rest, "of-new", "owner", "author", history="from-join")
    first = message(rest, "author", id_, "secret of before")
    rest.done("new", "GET", "users/me")
    old = str(rest.done("new", "GET", "sync")["cursor"])
    rest.done("owner", "POST", f"conversations/{id_}/members", json={"userIds": ["new"]})
    reply = message(rest, "author", id_, "an answer", replyToId=first["id"])
    rest.done("author", "PATCH", f"messages/{first['id']}", json={"content": "secret of later"})
    read = [
        rest.ask("new", "GET", f"conversations/{id_}/messages").text,
        rest.ask("new", "GET", f"messages/{reply['id']}").text,
        rest.ask("new", "GET", "sync").text,
        rest.ask("new", "GET", "notifications").text,
        pages(rest, "new", old),
    ]
    assert "an answer" in read[0]
    assert not [text for text in read if "secret" in text]


# --- records that cannot be shown -----------------------------------------------------------------------------------


@pytest.mark.parametrize("time", BEYOND)
def test_an_offer_that_ends_beyond_all_time_is_refused(rest: Rest, time: str) -> None:
    body = {"title": "a", "amount": 1, "currency": "EUR", "expiresAt": time}
    answer = rest.ask("member", "POST", "conversations/commons/offers", json=body)
    assert answer.status_code == 422, answer.text
    assert rest.ask("reader2", "GET", "conversations/commons/offers").status_code == 200


def test_fractions_of_a_millisecond_lead_no_time_out_of_range(rest: Rest) -> None:
    body = {"title": "a", "amount": 1, "currency": "EUR", "expiresAt": "9999-12-31T23:59:59.9996Z"}
    offer = rest.done("member", "POST", "conversations/commons/offers", json=body)
    assert offer["expiresAt"] == "9999-12-31T23:59:59.999Z"
    assert rest.ask("reader2", "GET", "conversations/commons/offers").status_code == 200


@pytest.mark.parametrize("time", BEYOND)
def test_a_mute_that_ends_beyond_all_time_is_refused(rest: Rest, time: str) -> None:
    answer = rest.ask("owner", "PUT", "conversations/workshop/mutes/member", json={"until": time})
    assert answer.status_code == 422, answer.text
    message(rest, "member", "workshop", "still not muted")
    assert rest.ask("owner", "GET", "conversations/workshop/mutes").status_code == 200


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-" + "9" * 400, str(2**53), "1e400", "1" + "0" * 30])
def test_a_number_that_not_every_reader_reads_is_refused(rest: Rest, number: str) -> None:
    body = f'{{"conversationId":"commons","content":"a","metadata":{{"a":[{number}]}}}}'
    answer = rest.ask("member", "POST", "messages", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    read_strictly(rest.ask("reader2", "GET", "conversations/commons/messages").content)


def test_a_moderator_cannot_keep_a_member_from_reading(rest: Rest) -> None:
    """All that a moderator can set for a member, with values at the edges; refused or not, the member reads."""
    for until in (*BEYOND, "9999-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z"):
        for kind in ("mutes", "bans"):
            rest.ask(
                "owner", "PUT", f"conversations/playground/{kind}/victim", json={"until": until, "reason": "\u202e"}
            )
    assert rest.ask("victim", "GET", "sync").status_code == 200
    for kind in ("mutes", "bans"):
        assert rest.ask("owner", "GET", f"conversations/playground/{kind}").status_code == 200

"""`clients/javascript/client/src/server/payloads.ts`: written again after every change of a schema."""

from __future__ import annotations

from tests.chat.chat_server import ServerProcess
from tests.http_client import HttpClient, http_get
from tests.reference.published_schemas import COMPLETE
from tests.reference.web_payloads import TARGET, published_types


def test_the_javascript_clients_types_are_what_the_server_publishes(chat_server: ServerProcess) -> None:
    generated = published_types(chat_server.url).text()
    assert TARGET.read_text(encoding="utf-8") == generated, "a schema was changed: run make docs"


def test_answers_without_optional_members_have_all_of_them(chat_server: ServerProcess) -> None:
    schemas = http_get(f"{chat_server.url}/openapi.json").json()["components"]["schemas"]
    headers = {"authorization": f"Bearer {chat_server.token('reads-preferences')}"}
    with HttpClient(base_url=f"{chat_server.url}/api/v1", headers=headers) as http:
        made = http.post("/conversations", json={"kind": "group", "name": "Plans", "memberIds": []})
        assert made.status_code == 201, made.text
        preferences = http.get("/users/me/preferences").json()
        of_conversation = http.get(f"/conversations/{made.json()['id']}/preferences").json()
    answers = {
        "MessengerPreferences": preferences,
        "MessengerNotify": preferences["notify"],
        "MessengerSounds": preferences["sounds"],
        "MessengerDoNotDisturb": preferences["doNotDisturb"],
        "MessengerMemberPreferences": of_conversation,
    }
    assert set(answers) == COMPLETE
    for name, answer in answers.items():
        assert set(schemas[name]["properties"]) == set(answer), name

"""Which sockets receive what is new in a message that is being written, and which receive the whole parts."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from talkwire.core.domain.events import MessageSent, StreamAdvanced, StreamStateChanged
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.growing_parts import GrowingParts, PartChange
from talkwire.realtime.delivery import delta_delivery
from talkwire.realtime.delivery.delta_delivery import DeltaDelivery

MESSAGE = Message(1, "c", 1, "helper", "Helper", "", 0, state="streaming")


class Client:
    """A socket, and the text that its client has."""

    def __init__(self, socket_id: str) -> None:
        self.id = socket_id
        self.is_slow = False
        self.connection = SimpleNamespace(is_slow=lambda: self.is_slow)
        self.text = ""
        self.received: list[PartChange] = []


class Sending:
    """Stands in for the hub: gives the changes to the clients at once."""

    def multicast(self, sockets: Iterable[Client], encode: Any) -> None:  # noqa: ANN401 (a partial function)
        for socket in sockets:
            for change in (delta.change for delta in encode.keywords["deltas"]):
                socket.received.append(change)
                assert change.replace or change.at == len(socket.text)
                socket.text = change.text if change.replace else socket.text + change.text


class Conversation:
    """The clients that follow a conversation, and the message that is written in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *clients: Client) -> None:
        self.clients = [*clients]
        self.parts = GrowingParts()
        monkeypatch.setattr(delta_delivery, "clients_in", lambda hub, room: self.clients)
        self.whole_reads = 0
        self.delivery = DeltaDelivery(cast("Any", Sending()), self._whole)

    def _whole(self, message_id: int) -> list[PartChange]:
        self.whole_reads += 1
        return self.parts.whole()

    def write(self, text: str, source: str | None = None, skip: Iterable[Client] = ()) -> None:
        self.parts.append(0, text, "text", None)
        event = StreamAdvanced("c", 1, 1, tuple(self.parts.take_changes()), source)
        self.delivery.deliver(event, cast("Any", [*skip]))


def _replaced(client: Client) -> list[bool]:
    return [change.replace for change in client.received]


def test_a_slow_client_is_left_out_and_then_receives_the_whole_part(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = Client("quick"), Client("slow")
    chat = Conversation(monkeypatch, quick, slow)
    for text, slow_now in (("a", False), ("b", True), ("c", True), ("d", False), ("e", False)):
        slow.is_slow = slow_now
        chat.write(text)
    assert (quick.text, _replaced(quick)) == ("abcde", [True, False, False, False, False])
    assert (slow.text, _replaced(slow)) == ("abcde", [True, True, False])


def test_the_whole_text_is_read_only_for_clients_that_lack_some_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = Conversation(monkeypatch, Client("first"), Client("second"))
    for text in "abcde":
        chat.write(text)
    assert chat.whole_reads == 1


def test_a_client_that_joins_or_comes_back_receives_the_whole_part(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Client("first"), Client("second")
    chat = Conversation(monkeypatch, first)
    chat.write("a")
    chat.clients.append(second)
    chat.write("b")
    chat.clients.remove(first)
    chat.write("c")
    chat.clients.append(first)
    chat.write("d")
    chat.write("e", skip=[second])
    chat.write("f")
    assert (first.text, _replaced(first)) == ("abcdef", [True, False, True, False, False])
    assert (second.text, _replaced(second)) == ("abcdef", [True, False, False, True])


def test_the_socket_of_the_author_receives_only_what_another_one_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    author, other = Client("author"), Client("other")
    chat = Conversation(monkeypatch, author, other)
    chat.write("a", source="author")
    assert (author.received, other.text) == ([], "a")
    chat.write("b", source="other")
    assert (author.text, _replaced(author), other.text) == ("ab", [True], "a")


def test_a_message_that_was_continued_begins_with_the_whole_part(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client("first")
    chat = Conversation(monkeypatch, client)
    chat.write("a")
    chat.delivery.follow(MessageSent(1, 0, MESSAGE))
    chat.write("b")
    chat.delivery.follow(StreamStateChanged(2, 0, MESSAGE))
    chat.write("c")
    assert (client.text, _replaced(client)) == ("abc", [True, False, True])

"""What clients show at the end is what the tables hold: texts, tombstones and reactions."""

from __future__ import annotations

from dataclasses import dataclass, field

from rigs.torture.checks.violation import Findings
from rigs.torture.history import About, History, Resumer, Stream
from rigs.torture.tables import Tables
from rigs.torture.words import DIALECTS

VIEWS = "all see the same messages in the end"


@dataclass
class View:
    """The state that a client has built from events. `texts`: None is a deleted message. `reactions`: whether each is
    present.
    """

    texts: dict[int, str | None] = field(default_factory=dict)
    reactions: dict[tuple[int, str, str], bool] = field(default_factory=dict)


def check_views(history: History, tables: Tables, stable: frozenset[str], findings: Findings) -> None:
    for stream in history.streams:
        if not stream.ended and "edited" in DIALECTS[stream.dialect].tells:
            who = f"{stream.client} ({stream.user}, {stream.dialect}, socket session {stream.number})"
            _compare(who, view_of_stream(stream, stable), tables, frozenset({stream.number}), findings)
    for resumer in history.resumers:
        _compare(
            f"{resumer.client} ({resumer.user}) by sync",
            view_of_resumer(resumer, stable, tables),
            tables,
            frozenset(),
            findings,
        )


def view_of_stream(stream: Stream, stable: frozenset[str]) -> View:
    """Of the conversations that it has open at the end."""
    view = View()
    for window in stream.windows:
        if window.closed is not None or window.opened is None or window.conversation not in stable:
            continue
        for received in stream.received[window.first :]:
            if received.conversation != window.conversation or received.message_id is None:
                continue
            match received.kind:
                case "sent" | "edited":
                    view.texts[received.message_id] = received.content
                case "deleted":
                    view.texts[received.message_id] = None
                case "reacted":
                    user, emoji, added = received.about
                    view.reactions[received.message_id, str(emoji), str(user)] = bool(added)
    return view


def view_of_resumer(resumer: Resumer, stable: frozenset[str], tables: Tables) -> View:
    """Returns a resumer's view of conversations with fixed members; a former member receives no further events."""
    view = View()
    for synced in resumer.synced:
        data, id_ = synced.payload or {}, synced.message_id
        message = None if id_ is None else tables.messages.get(id_)
        if id_ is None or (message is not None and message.conversation not in stable):
            continue
        match synced.name:
            case "message:new" | "message:updated":
                view.texts[id_] = None if data.get("deletedAt") else data.get("content", "")
            case "message:deleted":
                view.texts[id_] = None
            case "message:reaction":
                view.reactions[id_, data["emoji"], data["userId"]] = data["action"] == "added"
    return view


def _compare(who: str, view: View, tables: Tables, streams: frozenset[int], findings: Findings) -> None:
    findings.count("messages seen in the end", len(view.texts))
    for id_, shown in view.texts.items():
        message = tables.messages.get(id_)
        stored = None if message is None or message.deleted else message.content
        if shown != stored:
            says = f"{who} shows {shown!r} as message {id_}, which is {stored!r}"
            findings.add(VIEWS, says, About(messages=frozenset({id_}), streams=streams))
            return
    for key, there in view.reactions.items():
        message = tables.messages.get(key[0])
        if message is not None and not message.deleted and there is not (key in tables.reactions):
            says = f"{who} takes the reaction {key} to be {'there' if there else 'gone'}, and it is not so"
            findings.add(VIEWS, says, About(messages=frozenset({key[0]}), streams=streams))
            return

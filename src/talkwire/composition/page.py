"""Builds the content of the web page at `/` before sign-in: the operator's name and logo, and the users of `--demo`.
Starts the agent of `--demo`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from talkwire import demo
from talkwire.api.page import DemoSignIn, DemoUser, Logo, PageOptions
from talkwire.composition.foundation import Database, Foundation
from talkwire.files.byte_store import ByteStore
from talkwire.files.service import FINISHED_FOLDER
from talkwire.identity.passwords import Passwords
from talkwire.settings import Settings
from talkwire.settings.logos import logo_type, read_logo
from talkwire.settings.policy import web_sign_in
from talkwire.settings.rules import Problem, SettingsError


async def demo_people(settings: Settings, database: Database, passwords: Passwords) -> Sequence[demo.Person]:
    """Returns the fictional people of `--demo`, after filling an empty database with them and their messages.

    Returns an empty sequence without `--demo`, and if the database has other content.
    """
    if not settings.demo:
        return ()
    store = ByteStore(settings.files or settings.data / FINISHED_FOLDER)
    return demo.PEOPLE if await demo.fill_empty(database.url, store, passwords) else ()


def start_assistant(foundation: Foundation) -> None:
    """Starts the task that answers as the demo's agent."""
    answering = asyncio.create_task(demo.Assistant(foundation.chat).run())
    foundation.closing.callback(answering.cancel)


def demo_sign_in(settings: Settings, people: Sequence[demo.Person]) -> DemoSignIn:
    """Returns the demo's part of the sign-in page at `/`: whether the server runs with `--demo`, and the `people` that
    a visitor can choose from to sign in.
    """
    users = [DemoUser(each.id, each.name, each.role, f"{demo.picture_path(each)}?userId={each.id}") for each in people]
    return DemoSignIn(settings.demo, users)


def page_options(settings: Settings) -> PageOptions:
    """Returns the operator's settings for the web page at `/`. Raises SettingsError if the logo's file cannot
    be read.
    """
    return PageOptions(
        sign_in=web_sign_in(settings),
        embed_origins=settings.embed_origins,
        name=settings.web_name,
        description=settings.web_description,
        logo=_logo(settings.web_logo),
        offers=settings.offers or settings.demo,
        offer_currency=settings.offer_currency,
    )


def _logo(path: str | None) -> Logo | None:
    if path is None:
        return None
    try:
        return Logo(read_logo(path), logo_type(path) or "")
    except ValueError as error:
        raise SettingsError([Problem("web_logo", str(error))]) from None

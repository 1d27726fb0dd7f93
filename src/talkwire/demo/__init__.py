"""Fills an empty database for `--demo`, with a small company's messages and the users of the documentation's
snippets.
"""

from talkwire.demo.assistant import Assistant
from talkwire.demo.company import PEOPLE
from talkwire.demo.filling import fill_empty, picture_path
from talkwire.demo.script import Person
from talkwire.demo.snippets import ACCOUNT_EMAIL, ACCOUNT_ID, ACCOUNT_PASSWORD
from talkwire.demo.snippets import SNIPPET_MEMBERS as SNIPPET_USERS

__all__ = [
    "ACCOUNT_EMAIL",
    "ACCOUNT_ID",
    "ACCOUNT_PASSWORD",
    "PEOPLE",
    "SNIPPET_USERS",
    "Assistant",
    "Person",
    "fill_empty",
    "picture_path",
]

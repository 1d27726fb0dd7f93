"""What routes are given, by the names that `rest.py` provides it under."""

from __future__ import annotations

from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry

from talkwire.core.limited_chat import LimitedChat
from talkwire.files.uploads import Uploads
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Caller, Callers

GivenAccounts = NamedDependency[Accounts]
GivenCaller = NamedDependency[Caller]
GivenCallers = NamedDependency[Callers]
GivenChat = NamedDependency[LimitedChat]
GivenRegistry = NamedDependency[CollectorRegistry]
GivenUploads = NamedDependency[Uploads]

"""What routes are given, by the names that `rest.py` provides it under."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from litestar.di import NamedDependency

from talkwire.api.readiness import Readiness
from talkwire.core.limited_chat import LimitedChat
from talkwire.files.uploads import Uploads
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Caller

GivenAccounts = NamedDependency[Accounts]
GivenCaller = NamedDependency[Caller]
GivenChat = NamedDependency[LimitedChat]
GivenReadiness = NamedDependency[Readiness]
GivenMetrics = NamedDependency[Callable[[], Awaitable[bytes]]]
GivenUploads = NamedDependency[Uploads]

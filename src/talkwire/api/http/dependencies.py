"""Types for the parameters of route functions that Litestar fills in, such as `caller: GivenCaller`. `rest.py` provides
their values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from talkwire.api.readiness import Readiness
from talkwire.api.user_exports import UserExports
from talkwire.console.console import OperatorsConsole
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.ice_servers import IceServer
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Limits
from talkwire.core.engine.log_watches import LogWatches
from talkwire.core.ports.webhooks import WebhookProbe
from talkwire.core.signals.streams.watches import StreamWatches
from talkwire.dialects.dialect import Dialect
from talkwire.files.uploads import Uploads
from talkwire.identity.accounts import Accounts
from talkwire.identity.callers import Caller, Callers
from talkwire.openid.sign_in import ProviderSignIn
from talkwire.receipt_keys import ReceiptKeys

GivenAccounts = NamedDependency[Accounts]
GivenCaller = NamedDependency[Caller]
GivenCallers = NamedDependency[SkipValidation[Callers]]
GivenChat = NamedDependency[LimitedChat]
GivenConsole = NamedDependency[SkipValidation[OperatorsConsole]]
GivenDialects = NamedDependency[SkipValidation[tuple[Dialect, ...]]]  # msgspec refuses a dialect's types
GivenPushUrlCheck = NamedDependency[Callable[[str], object]]
GivenIceServers = NamedDependency[Sequence[IceServer]]
GivenExports = NamedDependency[SkipValidation[UserExports | None]]
GivenLimits = NamedDependency[Limits | None]
GivenPolicy = NamedDependency[AccessPolicy]
GivenReadiness = NamedDependency[Readiness]
GivenProviderSignIn = NamedDependency[SkipValidation[ProviderSignIn]]
GivenMaybeProvider = NamedDependency[SkipValidation[ProviderSignIn | None]]
GivenMetrics = NamedDependency[Callable[[], Awaitable[bytes]]]
GivenWebhooks = NamedDependency[SkipValidation[WebhookProbe]]  # msgspec refuses a protocol
GivenPushKey = NamedDependency[Callable[[], Awaitable[str]]]
GivenReceiptKeys = NamedDependency[SkipValidation[ReceiptKeys | None]]
GivenUploads = NamedDependency[Uploads]
GivenWatches = NamedDependency[LogWatches]
GivenStreamWatches = NamedDependency[StreamWatches]

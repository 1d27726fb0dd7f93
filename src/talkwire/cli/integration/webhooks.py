"""The commands `talkwire webhook …`, which manage the HTTP endpoints that receive the chat's events."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from talkwire.cli.delivery import Operator, run_as_operator
from talkwire.cli.failures import Failure, Misuse
from talkwire.cli.flags import CHAT_SETTINGS, Flag, load, takes_settings
from talkwire.cli.output import iso_time, print_json, print_list, print_result
from talkwire.control import CheckWebhookUrl, SendWebhookTest
from talkwire.core.commands.integration.webhooks import (
    CreatedWebhook,
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    ListWebhookAttempts,
    ListWebhooks,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
    WebhookView,
)
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.integration.webhooks import WebhookAttempt
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.dialects.messenger.log_events import log_types_named
from talkwire.settings import Settings

Json = Annotated[bool, Parameter(help="Print JSON.", negative=())]


@takes_settings(*CHAT_SETTINGS, "webhook_allow", "demo")
def add(  # noqa: PLR0913 (each is one flag)
    url: str,
    /,
    *,
    type: Annotated[  # noqa: A002 (a flag)
        tuple[str, ...], Parameter(help="Type of events to receive, such as message:new; may be repeated.", negative=())
    ] = (),
    conversation: Annotated[
        tuple[str, ...],
        Parameter(help="Id of a conversation whose events to receive; may be repeated.", negative=()),
    ] = (),
    description: Annotated[str | None, Parameter(help="A note for operators.")] = None,
    after: Annotated[
        str | None, Parameter(help="Cursor to start after, or `start` for the oldest event. Default: now.")
    ] = None,
    final: Annotated[
        bool,
        Parameter(
            help="Send a message that is written while others read it at its first end, as message:new.", negative=()
        ),
    ] = False,
    **flags: Flag,
) -> None:
    """Create a webhook, and print its id and its secret, which is not shown again.

    Parameters
    ----------
    url
        Address that receives the events.
    """
    command = CreateWebhook(url, type or None, conversation or None, description, after, final)

    async def create(operator: Operator) -> CreatedWebhook:
        try:
            log_types_named(type, "--type")
            await operator.execute(CheckWebhookUrl(url))
        except ChatError as error:
            raise Misuse(error.message) from None
        return await operator.execute(command)

    created = run_as_operator(load(flags).settings, create, may_create=True)
    print_list(("ID", "SECRET"), [(created.view.webhook.id, created.secret)])


@takes_settings(*CHAT_SETTINGS)
def list_all(*, json: Json = False, **flags: Flag) -> None:
    """List all webhooks, oldest first."""
    page = run_as_operator(load(flags).settings, lambda operator: operator.execute(ListWebhooks()))
    if json:
        print_json([_described(view) for view in page.items])
        return
    print_list(
        ("ID", "URL", "STATE", "FAILING", "CURSOR", "CREATED"),
        [
            (
                view.webhook.id,
                view.webhook.url,
                _state(view),
                str(view.failing),
                cursor_of(view.epoch, view.webhook.pos),
                iso_time(view.webhook.created_ms),
            )
            for view in page.items
        ],
    )


@takes_settings(*CHAT_SETTINGS)
def show(webhook_id: str, /, *, json: Json = False, **flags: Flag) -> None:
    """Show a webhook, and its newest attempts to deliver events.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    """
    settings = load(flags).settings
    view = run_as_operator(settings, lambda operator: operator.execute(GetWebhook(webhook_id)))
    attempts = run_as_operator(settings, lambda operator: operator.execute(ListWebhookAttempts(webhook_id))).items
    if json:
        print_json([{**_described(view), "deliveries": list(map(_attempt, attempts))}])
        return
    print_list(("MEMBER", "VALUE"), [(name, _shown(value)) for name, value in _described(view).items()])
    print_list(
        ("EVENT", "TYPE", "ATTEMPT", "STATUS", "ERROR", "RESPONSE", "MS", "AT", "NEXT"),
        [
            (
                each.event_id,
                each.type,
                str(each.attempt),
                _shown(each.status),
                each.error or "",
                each.response or "",
                str(each.duration_ms),
                iso_time(each.at_ms),
                "" if each.next_ms is None else iso_time(each.next_ms),
            )
            for each in attempts
        ],
    )


@takes_settings(*CHAT_SETTINGS)
def rewind(webhook_id: str, after: str, /, **flags: Flag) -> None:
    """Let a webhook continue after another event, earlier or later than the one that it has reached.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    after
        Cursor (the id of an event) after which to continue, or `start` for the oldest event.
    """
    command = RewindWebhook(webhook_id, after)
    view = run_as_operator(load(flags).settings, lambda operator: operator.execute(command))
    cursor = cursor_of(view.epoch, view.webhook.pos)
    print_result(f"{webhook_id} continues after {cursor}.", cursor)


@takes_settings(*CHAT_SETTINGS, "webhook_allow", "demo")
def test(webhook_id: str, /, **flags: Flag) -> None:
    """Send a signed event `webhook:test` to a webhook now, and print the outcome. A refused event is a failure.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    """
    attempt = run_as_operator(load(flags).settings, lambda operator: operator.execute(SendWebhookTest(webhook_id)))
    if attempt.error is not None:
        raise Failure(f"{webhook_id} did not accept the event: {attempt.error}")
    print_result(f"{webhook_id} accepted the event with HTTP status {attempt.status} in {attempt.duration_ms} ms.")


@takes_settings(*CHAT_SETTINGS)
def enable(webhook_id: str, /, **flags: Flag) -> None:
    """Let a webhook receive events again: those since it was disabled, and those that it failed to accept.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    """
    _set_enabled(load(flags).settings, webhook_id, enabled=True)
    print_result(f"Enabled {webhook_id}.")


@takes_settings(*CHAT_SETTINGS)
def disable(webhook_id: str, /, **flags: Flag) -> None:
    """Send nothing to a webhook until it is enabled again.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    """
    _set_enabled(load(flags).settings, webhook_id, enabled=False)
    print_result(f"Disabled {webhook_id}.")


@takes_settings(*CHAT_SETTINGS)
def rotate_secret(webhook_id: str, /, **flags: Flag) -> None:
    """Print a new secret for a webhook. For a day, requests are signed with the old and the new secret.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    """
    command = RotateWebhookSecret(webhook_id)
    rotated = run_as_operator(load(flags).settings, lambda operator: operator.execute(command))
    print_list(("ID", "SECRET"), [(webhook_id, rotated.secret)])


@takes_settings(*CHAT_SETTINGS)
def remove(webhook_id: str, /, **flags: Flag) -> None:
    """Delete a webhook.

    Parameters
    ----------
    webhook_id
        Id of the webhook.
    """
    run_as_operator(load(flags).settings, lambda operator: operator.execute(DeleteWebhook(webhook_id)))
    print_result(f"Deleted {webhook_id}.")


def _set_enabled(settings: Settings, webhook_id: str, *, enabled: bool) -> None:
    command = UpdateWebhook(webhook_id=webhook_id, enabled=enabled)
    run_as_operator(settings, lambda operator: operator.execute(command))


def _state(view: WebhookView) -> str:
    return "enabled" if view.webhook.enabled else f"disabled ({view.webhook.disabled_reason})"


def _described(view: WebhookView) -> dict[str, object]:
    webhook = view.webhook
    return {
        "id": webhook.id,
        "url": webhook.url,
        "types": webhook.types,
        "conversationIds": webhook.conversation_ids,
        "description": webhook.description,
        "final": webhook.final,
        "enabled": webhook.enabled,
        "disabledAt": None if webhook.disabled_ms is None else iso_time(webhook.disabled_ms),
        "disabledReason": webhook.disabled_reason,
        "cursor": cursor_of(view.epoch, webhook.pos),
        "failing": view.failing,
        "createdAt": iso_time(webhook.created_ms),
    }


def _attempt(attempt: WebhookAttempt) -> dict[str, object]:
    return {
        "eventId": attempt.event_id,
        "type": attempt.type or None,
        "attempt": attempt.attempt,
        "status": attempt.status,
        "error": attempt.error,
        "response": attempt.response,
        "durationMs": attempt.duration_ms,
        "at": iso_time(attempt.at_ms),
        "next": None if attempt.next_ms is None else iso_time(attempt.next_ms),
    }


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)

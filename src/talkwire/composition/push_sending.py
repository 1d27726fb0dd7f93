"""Builds and starts the sending of push notifications to devices that have no socket."""

from __future__ import annotations

from dataclasses import dataclass

from talkwire.composition.foundation import Foundation
from talkwire.egress import AddressRules, Egress, EgressLimits, EgressThread
from talkwire.push.delivery import PUSH_REQUEST_S, PushDelivery
from talkwire.push.push_metrics import PushMetrics
from talkwire.push.sender import PUSH_JOBS_MAX, PushSender
from talkwire.push.vapid import VapidKeys
from talkwire.realtime.clients.connected_devices import ConnectedDevices
from talkwire.settings import Settings
from talkwire.storage.notifying.pushes import PushDevice


@dataclass(frozen=True, slots=True)
class PushParts:
    """The parts that send push notifications: the sender, the VAPID keys (which sign the server's requests), the
    record of devices with a socket on this node, and the metrics.
    """

    sender: PushSender
    vapid: VapidKeys
    devices: ConnectedDevices
    metrics: PushMetrics

    def is_device_here(self, device: PushDevice) -> bool:
        """Returns whether a device has a socket on this node (server process), so that it needs no push
        notification.
        """
        return self.devices.is_here(device.user_id, device.session_id, device.device_id)

    async def key(self) -> str:
        """Returns the server's public VAPID key, which browsers need to subscribe to push notifications."""
        return (await self.vapid.get()).public_key


def push_rules(settings: Settings) -> AddressRules:
    """Returns the rules for the addresses of push services. Since users choose these, only global addresses and the
    networks of the setting `push_allow` are allowed; with `--demo` also this machine.
    """
    return AddressRules.of(settings.push_allow, loopback=settings.demo, setting="push_allow")


def start_pushes(foundation: Foundation, thread: EgressThread) -> PushParts:
    """Starts the sender of push notifications and returns its parts.

    Call this before starting the followers of the log, which store the notifications to send.
    """
    settings, chat, closing = foundation.settings, foundation.chat, foundation.closing
    vapid = VapidKeys(chat, settings.vapid_private_key, vapid_subject(settings))
    egress = Egress(push_rules(settings), thread)
    closing.callback(egress.close)
    client = egress.client(EgressLimits(total_s=PUSH_REQUEST_S, connections=PUSH_JOBS_MAX))
    closing.push_async_callback(client.aclose)
    delivery = PushDelivery(client, vapid, settings.push_content)
    metrics = PushMetrics()
    devices = ConnectedDevices(chat.peers)
    sender = PushSender(chat, delivery, devices.find, metrics, alone=foundation.alone)
    closing.push_async_callback(sender.close)
    sender.start()
    return PushParts(sender, vapid, devices, metrics)


def vapid_subject(settings: Settings) -> str | None:
    """Returns the operator's contact address (VAPID `sub`), which the server sends to push services: the setting
    `vapid_subject`, else an https `public_url`; None if neither is set.
    """
    url = settings.public_url
    return settings.vapid_subject or (url if url is not None and url.startswith("https://") else None)

"""Finds out which devices of users have a socket on this node or another. Devices without one receive push
notifications.

A device is identified by the sign-in of its token, or by the `deviceId` that it sends when it connects. A device with
neither counts as connected while its user has any socket.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.model import PushSubscription
from talkwire.realtime.clients.chat_client import ChatClient

_QUESTION = "push devices"

DeviceKey = tuple[str, str, str]
"""Triple (user id, "session", sign-in), (user id, "device", device id) or (user id, "", "")."""


class ConnectedDevices:
    """Counts the sockets of each device on this node, and asks the other nodes about theirs."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._sockets: dict[DeviceKey, int] = {}
        peers.answer(_QUESTION, list[DeviceKey], self._find_here)

    def add(self, client: ChatClient) -> None:
        """Counts a new socket for its device. The socket is counted under the same keys until `remove` is called, even
        if its token is replaced by one of another sign-in.
        """
        user_id = client.actor.user_id
        client.device_keys = tuple(device_keys(user_id, client.session_id, client.device_id))
        for key in client.device_keys:
            self._sockets[key] = self._sockets.get(key, 0) + 1

    def remove(self, client: ChatClient) -> None:
        for key in client.device_keys:
            if self._sockets[key] > 1:
                self._sockets[key] -= 1
            else:
                del self._sockets[key]
        client.device_keys = ()

    def is_here(self, user_id: str, session_id: str | None, device_id: str | None) -> bool:
        """Returns whether a device, identified by the sign-in `session_id` or by `device_id`, has a socket on this
        node. With neither, returns whether the user has any socket here. Can be called from any thread.
        """
        return any(key in self._sockets for key in _subscribed_keys(user_id, session_id, device_id))

    async def find(self, subscriptions: Sequence[PushSubscription]) -> Collection[str]:
        """Returns the ids of those push subscriptions whose devices have a socket on this node, or on any other that
        replies within a second.
        """
        keys = {each.id: _subscribed_keys(each.user_id, each.session_id, each.device_id) for each in subscriptions}
        asked = [key for of_device in keys.values() for key in of_device]
        found = set(await self._find_here(asked))
        if self._peers.has_peers:
            answers = await self._peers.ask(_QUESTION, asked, list[DeviceKey])
            found.update(key for answer in answers.values() for key in answer)
        return {id_ for id_, of_device in keys.items() if not found.isdisjoint(of_device)}

    async def _find_here(self, keys: Sequence[DeviceKey]) -> list[DeviceKey]:
        return [key for key in keys if key in self._sockets]


def device_keys(user_id: str, session_id: str | None, device_id: str | None) -> list[DeviceKey]:
    """Returns the keys under which a socket's device is counted as connected: one for the user, one for the sign-in and
    one for the device id, if the socket has these.
    """
    return [(user_id, "", ""), *_known(user_id, session_id, device_id)]


def _subscribed_keys(user_id: str, session_id: str | None, device_id: str | None) -> list[DeviceKey]:
    """Returns the keys of a push subscription's device. A socket counted under any of them means that the device is
    connected.
    """
    return _known(user_id, session_id, device_id) or [(user_id, "", "")]


def _known(user_id: str, session_id: str | None, device_id: str | None) -> list[DeviceKey]:
    of_session = [] if session_id is None else [(user_id, "session", session_id)]
    return of_session + ([] if device_id is None else [(user_id, "device", device_id)])

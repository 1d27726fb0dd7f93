"""Builds and starts the task that fetches previews of links in messages."""

from __future__ import annotations

from functools import partial

from talkwire.composition.foundation import Foundation
from talkwire.core.features.messages.previewable_links import (
    is_fetchable_picture,
    is_previewable,
    previewable_links,
)
from talkwire.egress import AddressRules, Egress, EgressThread
from talkwire.previews.fetching import FetchRules, PageFetcher
from talkwire.previews.metrics import PreviewMetrics
from talkwire.previews.service import LinkPreviews


def preview_links(foundation: Foundation, thread: EgressThread) -> PreviewMetrics:
    """Starts the task that fetches previews of links in messages, and returns its metrics.

    These requests have address rules of their own, by the setting `link_preview_allow`: users choose the links, while
    the operator chooses the addresses of webhooks.
    """
    closing, allowed = foundation.closing, foundation.settings.link_preview_allow
    private = bool(allowed)
    egress = Egress(AddressRules.of(allowed, setting="link_preview_allow"), thread)
    closing.callback(egress.close)
    rules = FetchRules(
        may_follow=partial(is_previewable, private=private), may_show=partial(is_fetchable_picture, private=private)
    )
    links_in = partial(previewable_links, private=private)
    previews = LinkPreviews(foundation.chat, foundation.files.uploads, PageFetcher(egress, rules), links_in)
    foundation.chat.subscribe_commits(previews.note)
    previews.start()
    closing.push_async_callback(previews.close)
    return previews.metrics

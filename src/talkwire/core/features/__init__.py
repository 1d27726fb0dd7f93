"""The functions that execute all commands (requests to change or read the chat), one module a feature, grouped by
subject.

notifying/      which users are notified of which events, stored notifications, the offline queue
messages/       messages and what belongs to them: edits, reactions, receipts, files, offers, search
conversations/  conversations and their members, invitations, moderation, which users may call each other
users/          users, accounts, blocks, preferences, stored presence
catching_up/    sync, session recovery, idempotent retries
desk/           teams
operation/      retention, erasing and exporting users, the operators' console, the table of nodes
integration/    webhooks
moderation/     reports of messages, the audit log

A feature reads and changes the chat only through the interfaces in `core.ports.transaction`, and uses no event loop,
thread or logger. A group may import the groups above it in this list; only `users` and `catching_up` must not import
each other.
"""

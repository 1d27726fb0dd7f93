"""The handlers of all commands, one module a feature, grouped by subject.

notifying/      who is notified of what, stored notifications, the offline queue
messages/       messages and what belongs to them: edits, reactions, receipts, files, offers, search
conversations/  conversations and their members, invitations, moderation, who may call whom
users/          users, accounts, blocks, preferences, stored presence
catching_up/    sync, session recovery, idempotent retries
operation/      retention and the table of nodes

A feature reads and changes the chat only through `core.ports.transaction`, and uses no event loop, thread or logger. A
group may import the groups above it in this list, except that the last three are independent of each other.
"""

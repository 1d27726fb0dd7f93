"""How each command is decided, one module a feature, grouped by subject.

notifying/      who is notified of what, stored notifications, the offline queue
messages/       messages and what belongs to them: edits, reactions, receipts, files, offers, search
conversations/  conversations and their members, invitations, moderation, who may call whom
users/          users, accounts, blocks, preferences, stored presence
catching_up/    sync, session recovery, idempotent retries
operation/      retention and the table of nodes

A feature reads and changes the chat through `core.ports.transaction` only. It knows no event loop, thread or log; the
order of the groups above is the order in which they may use each other.
"""

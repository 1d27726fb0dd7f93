"""Features about messages: sending, editing, deleting, reading, reactions, receipts, threads, pins, files, search, link
previews, saved messages, and offers (proposed prices)."""

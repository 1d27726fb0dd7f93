"""Messages that are being written, as server-sent events in the formats of other products."""

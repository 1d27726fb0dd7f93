"""The home of streams: the newest text of the messages that are being written through this node."""

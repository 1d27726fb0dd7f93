"""Indexes in memory of the users that are connected to this node, kept current by the log's events."""

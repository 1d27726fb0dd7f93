"""Followers of the log: background tasks that process all committed events in order, each from its own stored position.
They maintain the search index, notifications of offline users and database statistics. Also stores the progress of
webhook deliveries."""

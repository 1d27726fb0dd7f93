"""A load generator that speaks Matrix's client-server API, for chat servers such as Synapse."""

"""One node among others: the log's events in order, the node's lease, and questions to other nodes.

Knows protocols for the database and the bus, not their implementations.
"""

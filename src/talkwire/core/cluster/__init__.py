"""This node in a cluster: the ordered feed of the log's events, the lease, and questions to other nodes.

Uses protocols for the database and the bus, not their implementations.
"""

"""The cooperation of this node with the other nodes of a cluster: delivering the log's events in order, the lease (the
record that a node is alive), and questions to other nodes.

Uses protocols for the database and for the bus between nodes, not their implementations.
"""

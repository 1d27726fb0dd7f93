"""Supplies the operators' console with data about running nodes (server processes): figures, connections and refusals.

A refusal is a request or command that a node refused. An operator can ask any node about all nodes.
"""

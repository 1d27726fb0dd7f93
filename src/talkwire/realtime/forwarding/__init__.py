"""Forwards clients' requests to the node that holds their session or upload, and reads files that other nodes store,
over authenticated HTTP between nodes.
"""

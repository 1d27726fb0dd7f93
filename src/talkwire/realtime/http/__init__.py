"""HTTP connections: the protocol class with its limits, how many connections an address may have, and the bundles of
the official Socket.IO client.
"""

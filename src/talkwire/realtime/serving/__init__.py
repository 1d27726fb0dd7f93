"""Runs a server: its listening sockets, uvicorn, draining (sending clients to other nodes) and an orderly shutdown."""

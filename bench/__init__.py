"""Benchmarks that compare Talkwire with Socket.IO on Node and Bun and with python-socketio: `python -m bench`.

The results are in docs/benchmarks.md.
"""

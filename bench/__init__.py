"""Benchmarks of Talkwire beside Socket.IO on Node and python-socketio: `python -m bench`; see docs/benchmarks.md."""

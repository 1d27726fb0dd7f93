"""Delivers the events of the log to the application's endpoints, as Standard Webhooks describes.

events.py     reads the log for one endpoint, and orders its events by conversation or user
queue.py      which events of an endpoint may be sent now, and how far it is; without I/O
schedule.py   when a refused event is sent again
sender.py     signs and sends requests
endpoint.py   delivers to one endpoint
service.py    a thread with an event loop that delivers to all endpoints of this node
metrics.py    Prometheus metrics

The thread starts with the first webhook. It reads the log behind the commit, like a follower, so that an endpoint never
delays the chat.
"""

"""Webhooks: delivers the log's events to the application's HTTP endpoints, signed as Standard Webhooks describes.

events.py     reads the log (the ordered list of committed events) for one endpoint
queue.py      decides which events of an endpoint may be sent now, in order for each conversation or user; without I/O
schedule.py   when a refused event is sent again
sender.py     signs and sends requests
endpoint.py   delivers to one endpoint
service.py    delivers to all endpoints of this node, on the thread of `egress`
metrics.py    Prometheus metrics

The deliveries start with the first webhook. They read the log after the commit, so that an endpoint never delays the
chat.
"""

"""Pushes to the devices of users that have no socket.

sender.py         claims what is to be sent, and sends it
delivery.py       sends one push, and says what became of it
web_push.py       Web Push: VAPID and encryption (RFC 8030, 8188, 8291, 8292)
push_gateway.py   Matrix push gateways, for native apps
vapid.py          the key pair with which this server signs
push_metrics.py   metrics
"""

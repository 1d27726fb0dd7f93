"""Push notifications: sends notifications to devices that are not connected, over Web Push or a Matrix push gateway.

sender.py         claims what is to be sent, and sends it
delivery.py       sends one push, and returns the outcome
push_content.py   what a push contains
web_push.py       Web Push: the request and its encryption (RFC 8030, 8188, 8291)
push_gateway.py   Matrix push gateways, for native apps
vapid.py          the key pair with which this server signs Web Push requests (RFC 8292)
push_metrics.py   metrics
"""

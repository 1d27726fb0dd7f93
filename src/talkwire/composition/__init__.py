"""Builds the parts of a node (one server process) from its settings and starts them. `app.py` lists the parts of a
node.

foundation.py     the database and the chat on it, which all other parts use
bus.py            the bus that passes messages between nodes, and the Redis client
nodes.py          listening for other nodes, forwarding requests to them
log_followers.py  tasks that process the log after the commit; expiry of price offers and bans; retention
push_sending.py   push notifications to devices
outgoing.py       webhooks and callbacks to the application's back end
link_previews.py  previews of links in messages
erasing.py        completes the erasure of users
teams.py          writes the memberships of changed teams
admission.py      authentication, sign-in, allowed origins, rate limits
sockets.py        the Socket.IO server: namespaces, recovery, delivery
console.py        the figures, connections and refusals that the operators' console shows
metrics.py        the metrics at `/metrics`
page.py           the content of the web page at `/` before sign-in

These modules import only `foundation` from each other. Each function pushes the clean-up of its part onto the exit
stack `closing`, so the parts stop in reverse order.
"""

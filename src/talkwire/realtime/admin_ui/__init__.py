"""The namespace `/admin`, to which web pages of Socket.IO's Admin UI connect: shows the pages the sockets of all nodes,
and carries out their commands.

Nothing in this package is imported or runs unless the operator has enabled the Admin UI.
"""

"""Callbacks: the server asks the application's back end over HTTP before it executes a command or signs a client in.

application_callbacks.py  all callbacks of one server
client.py                 sends signed requests and reads the responses
command_callback.py       a hook before a command
command_payloads.py       commands as payloads of the messenger dialect, and back
connect.py                asks who a token belongs to
metrics.py                how often callbacks were asked, with which outcome, and how long it took
"""

"""Callbacks: asks the application's back end over HTTP before the server executes a command or signs a client in.

application_callbacks.py  creates, registers and closes all callbacks of one server
client.py                 sends signed requests and reads the responses
command_callback.py       a hook before a command
command_payloads.py       converts commands to payloads of the messenger dialect, and back
connect.py                asks which user a token belongs to
metrics.py                how often callbacks were called, with which outcome, and how long they took
"""

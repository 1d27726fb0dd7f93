"""Engine.IO's transports for this server: WebSockets (of this project's own server or another ASGI server) and long
polling.
"""

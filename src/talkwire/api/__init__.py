"""The REST API, built on Litestar: one module for each resource. Routes change the chat only through `LimitedChat`, the
chat with the limits of callers."""

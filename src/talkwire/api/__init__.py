"""REST: Litestar, one module a resource. Every change goes through `Chat.execute`."""

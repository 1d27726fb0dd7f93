"""REST (contract, section 5): Litestar, one module a resource. Every change goes through `Chat.execute`."""

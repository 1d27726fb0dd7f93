"""The REST routes, one module a resource. A route turns a request into a command and its result into JSON."""

"""The REST routes, one module for each resource. A route turns a request into a command, and its result into JSON."""

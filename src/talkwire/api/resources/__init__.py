"""The general REST routes, one module for each resource. A route builds a command from a request, and JSON from the
command's result."""

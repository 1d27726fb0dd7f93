"""The commands: one module a feature; `command` has what they are made of."""

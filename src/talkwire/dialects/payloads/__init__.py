"""The contract's objects as JSON (section 4), for the messenger vocabulary and for REST; one module a feature."""

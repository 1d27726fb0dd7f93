"""HTTP around the resources: bodies, answers, authentication, cross-origin rules, idempotency, downloads."""

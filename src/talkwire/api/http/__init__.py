"""HTTP concerns that the resources share: bodies, errors, authentication, CORS, idempotency and downloads."""

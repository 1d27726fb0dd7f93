"""Generates the API's machine-readable descriptions: `/openapi.json` for REST and `/asyncapi.json` for events."""

"""The descriptions of the API: OpenAPI, AsyncAPI, their names, schemas and pages."""

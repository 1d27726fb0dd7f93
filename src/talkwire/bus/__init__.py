"""The bus between a cluster's nodes (server processes): it carries the log's new events, ephemeral events and questions
over PostgreSQL, Redis or, in tests, memory.
"""

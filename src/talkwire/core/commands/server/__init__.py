"""Commands that only the server issues: about nodes, recoverable sessions, offline queues, retention and retries."""

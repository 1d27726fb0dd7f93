"""REST routes that only the application's backend and admins may use: they read the log, the ordered list of all
committed events."""

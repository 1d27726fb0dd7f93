"""Routes for the application's backend and admins alone."""

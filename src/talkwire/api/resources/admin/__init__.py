"""`/api/v1/admin`: the routes of the operators' console, for admins and the application's backend."""

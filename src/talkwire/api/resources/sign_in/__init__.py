"""Routes of `/api/v1/auth`, with which users sign in on this server: with an account, or through an OpenID provider."""

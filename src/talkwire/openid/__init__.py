"""Sign-in through an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

sign_in.py    one sign-in, from the redirect to the provider to the first refresh token
pending.py    the state of a sign-in, which the browser keeps meanwhile in an encrypted cookie
provider.py   the provider: its endpoints, its ID tokens and their keys
documents.py  the requests to the provider, and the documents that it responds with
profile.py    turns the provider's claims into a user's profile

The nodes (server processes) store nothing of a sign-in, so a different node may handle each step.
"""

"""Features about users: profiles, handles (unique names), accounts and sign-ins, blocks, preferences, search for users,
and stored presence."""

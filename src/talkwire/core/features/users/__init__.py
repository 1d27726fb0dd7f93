"""Users: profiles, accounts and sign-ins, blocks, preferences, search for users, stored presence."""

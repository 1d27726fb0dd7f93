"""The `talks` dialect: talks and offers of a marketplace."""

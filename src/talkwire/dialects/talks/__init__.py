"""The talks dialect: a marketplace's talks and offers."""

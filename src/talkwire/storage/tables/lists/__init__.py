"""Lists of conversations that filters select."""

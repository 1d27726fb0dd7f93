"""Cards: asking, choosing, and the ends of decisions."""

"""HTTP connections: their limits, how many an address may have, and the bundles of the official client."""

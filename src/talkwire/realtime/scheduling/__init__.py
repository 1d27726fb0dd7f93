"""When work runs: deadlines on a timing wheel, long work in steps, each connection's events in their order."""

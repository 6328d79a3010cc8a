"""Real servers for tests: found, started, always stopped."""

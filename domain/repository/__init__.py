"""The repository port: its reads, its writes, its hooks, and what it declares."""

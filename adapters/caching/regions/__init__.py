"""Dogpile regions: bounded in memory, on Redis, behind a circuit breaker."""

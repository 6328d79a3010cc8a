"""The unit-of-work port, the store that makes units, and the outbox."""

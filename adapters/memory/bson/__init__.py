"""BSON documents in memory: rows, the order of values, paths."""

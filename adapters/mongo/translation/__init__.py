"""Queries, rules and rollups in MongoDB's own language."""

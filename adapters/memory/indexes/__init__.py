"""Indexes of a table: kept up to date, bounded by a rule, walked."""

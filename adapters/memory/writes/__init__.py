"""Writes: plans, bulk writes, changes by rule, leases."""

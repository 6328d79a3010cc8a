"""Faults on demand, and crashes at every point."""

"""A finding as Python that can be pasted into a test."""

"""A search for questions that two backends answer differently."""

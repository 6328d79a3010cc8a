"""Cached reads: keys, tokens, and the reads themselves."""

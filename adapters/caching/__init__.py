"""Caching: dogpile.cache regions around the reads of a store, guarded by tokens that every commit replaces."""

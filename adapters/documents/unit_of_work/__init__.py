"""The unit of work over documents: identity map, change set, flush, transaction, retries."""

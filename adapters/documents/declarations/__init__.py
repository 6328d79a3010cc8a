"""What a user declares about documents: collections, indexes, schema steps."""

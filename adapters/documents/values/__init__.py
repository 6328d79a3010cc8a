"""Single values and keys: their form in a document and back."""

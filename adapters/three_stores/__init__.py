"""The three stores that ship: their documents, settings, container and deliveries."""

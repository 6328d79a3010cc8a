"""The server's indexes, plans and profile: looked at, compared, changed."""

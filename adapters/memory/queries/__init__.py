"""How a query is carried out: which index, then which rows."""

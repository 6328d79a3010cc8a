"""What backends must answer: queries, orders of lists, rollups."""

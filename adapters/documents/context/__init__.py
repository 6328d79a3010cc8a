"""What all units and readers of one store share, and what one write needs of it."""

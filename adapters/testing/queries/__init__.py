"""How many queries a block makes, and which of them scan."""

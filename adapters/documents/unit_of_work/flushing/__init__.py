"""What a flush writes: change sets, in an order in which unique values can be handed on."""

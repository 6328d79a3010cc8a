"""What every backend refuses in the same words before anything is done: values, plans, sizes, special indexes."""

"""Documents of older and newer schema versions."""

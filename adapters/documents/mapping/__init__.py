"""From an entity class to code that loads, dumps and compares its documents."""

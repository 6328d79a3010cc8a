"""Rules over entities: captured from lambdas, evaluated on objects, handed to backends as predicates."""

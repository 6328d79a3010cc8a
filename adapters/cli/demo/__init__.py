"""The demo: a plan, a scenario that carries it out, and the invariants that must hold."""

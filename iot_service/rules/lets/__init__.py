"""The values that a rule names in ``let``: each kind has a module of its own."""

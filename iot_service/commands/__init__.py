"""Commands down: what devices are told to do, at least once, in order, and for a limited time."""

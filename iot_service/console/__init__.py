"""The operators' console: what comes in, what was found, what was done about it."""

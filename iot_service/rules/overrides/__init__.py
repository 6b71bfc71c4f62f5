"""Overrides of rules and parameters: kept with their author, and applied to each device when it is judged."""

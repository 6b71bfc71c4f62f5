"""Versions of rules: who changed which rule when, what is in force, in which mode, and how devices take to a change."""

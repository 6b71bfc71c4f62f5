"""Needs out: rules fold stored readings into needs."""

"""Tests of the embedded engines."""

"""Tests mirror the source; stories/ has one test per story of the domain."""

"""Faults, for real: processes are killed, servers go away and networks are cut under load, and nothing is lost."""

"""Anomalies: what a series does that it has not done before, found online and without tuning. Pure."""

"""What is kept of readings, for how long, and how it is found again: rollups, retention, series, exports."""

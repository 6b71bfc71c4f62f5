"""Real servers for tests, for benchmarks and for work by hand."""

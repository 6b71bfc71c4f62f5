"""The composition root: the only package that names concrete adapters and puts them together."""

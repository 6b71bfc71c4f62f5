"""The REST interface: thin, one file per resource."""

"""Formats that devices speak beside the JSON of the contract."""

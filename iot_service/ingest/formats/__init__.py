"""Formats that devices speak beside the JSON of the contract. Each reader is pure: a message in, ``Sent`` out."""

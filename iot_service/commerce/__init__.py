"""Subscriptions, stock and orders: supplies that arrive before they run out."""

"""Customers, their sites and devices, consent, mandates and preferences."""

"""Technicians' jobs: who is asked, who goes."""

"""How to respond to a need: the engagement strategy and what follows from it."""

"""Pure models of consumption: how much is used, and when a stock runs out."""

"""The demo's live view: what was measured, detected, decided and sent, shown in a terminal as it happens."""

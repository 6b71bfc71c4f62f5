"""Numbers that the database gave, as they stand in addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

BigId = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""The id of a need, appointment, proposal, job, order, message or token."""

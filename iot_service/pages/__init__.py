"""Pages that a signed link opens for a customer or a technician; they work without JavaScript."""

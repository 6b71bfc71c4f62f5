"""Appointments: services, resources, free times, and the booking that cannot be doubled."""

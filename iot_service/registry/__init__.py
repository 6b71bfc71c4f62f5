"""Who devices and gateways are: registering them, their secrets, and what brokers know of them."""

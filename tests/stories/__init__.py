"""One test per story of the domain: MQTT at one end, what the person receives at the other."""

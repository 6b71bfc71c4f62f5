"""Simulated devices and recordings, published over MQTT as real devices would."""

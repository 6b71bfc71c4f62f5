"""Sparkplug B 3.0, as a host application: what edge nodes say on ``spBv1.0/#`` becomes what devices sent.

One process reads all of it, in order: ``reading = reader.read(messages)``; one transaction stores what ``reading.sent``
says and calls ``save_nodes(connection, reading.changes, now=now)``; after its commit come ``reader.keep(reading)`` and
the publishing of ``reading.rebirths``.
"""

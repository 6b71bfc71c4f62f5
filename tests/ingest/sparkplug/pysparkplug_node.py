"""An edge node made with pysparkplug, in an environment of its own: ``python pysparkplug_node.py PORT``.

Takes one command a line on its standard input, and says on its standard output when it was asked for a rebirth. Has one
device, ``freezer``, whose metrics are named in the birth; the library sends names with all data.
"""

# mypy: ignore-errors

from __future__ import annotations

import sys
import time

import pysparkplug as sp

REBIRTH = "Node Control/Rebirth"


def metric(name, datatype, value):
    return sp.Metric(timestamp=sp.get_current_timestamp(), name=name, datatype=datatype, value=value)


def on_command(node, message):
    for each in message.payload.metrics:
        if each.name == REBIRTH and each.value is True:
            print("rebirth requested", flush=True)


def main(port):
    client = sp.Client(client_id="pysparkplug-node")
    controls = (metric(REBIRTH, sp.DataType.BOOLEAN, False), metric("voltage", sp.DataType.FLOAT, 12.1))
    node = sp.EdgeNode("plant", "edge", controls, client=client, cmd_callback=on_command)
    device = sp.Device(
        "freezer",
        (
            metric("Inputs/temperature", sp.DataType.FLOAT, -70.2),
            metric("door", sp.DataType.BOOLEAN, False),
            metric("offset", sp.DataType.INT8, -5),
            metric("firmware", sp.DataType.STRING, "2.1"),
        ),
    )
    node.register(device)
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, value = line.strip().partition(" ")
        if command == "connect":
            node.connect("127.0.0.1", port=port, blocking=False)
        elif command == "temperature":
            node.update_device("freezer", (metric("Inputs/temperature", sp.DataType.FLOAT, float(value)),))
        elif command == "skip":  # a message that the network lost
            node._seq  # noqa: B018
        elif command == "leave":
            node.deregister("freezer")
        elif command == "goodbye":
            node.disconnect()
        elif command == "crash":
            sys.exit(1)
        time.sleep(0.05)


main(int(sys.argv[1]))

#!/bin/sh
# Runs Mosquitto, and has it read its users anew whenever the service has written them: run-mosquitto.sh CONFIG FOLDER.
# Where the service may send a signal to the broker itself (IOT_BROKER_RELOAD), this is not needed.
set -eu
config=$1
folder=$2

# The files are put in the place of older ones, so each new one has another number.
files() { ls -i "$folder/passwords" "$folder/mosquitto.acl" 2>/dev/null; }

until files >/dev/null; do sleep 0.3; done
seen=$(files)
mosquitto -c "$config" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT
while kill -0 "$broker" 2>/dev/null; do
    sleep 0.3 &
    wait $! || true # a signal ends the wait, not the sleep
    now=$(files || true)
    if [ "$now" != "$seen" ]; then
        seen=$now
        kill -HUP "$broker" 2>/dev/null || true
    fi
done
wait "$broker"

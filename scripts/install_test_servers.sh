#!/bin/sh
# Install the real servers that the tests use, where that can be done: as root on Debian and Ubuntu.
# Elsewhere the tests say which servers they did without.
set -eu

wanted="mosquitto mosquitto-clients kannel kannel-extras mmdebstrap debian-archive-keyring"

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian or Ubuntu: the tests use what servers there are." >&2
    exit 0
fi

missing=""
for package in $wanted; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    if [ "$status" != installed ]; then missing="$missing $package"; fi
done
promtool=""
if ! command -v promtool >/dev/null; then promtool=prometheus; fi
if [ -z "$missing$promtool" ]; then exit 0; fi

if [ "$(id -u)" != 0 ]; then
    echo "Some real servers are not installed, the tests do without them." >&2
    echo "To have them: sudo apt-get install$missing $promtool" >&2
    exit 0
fi

# Debian starts a server when its package is installed. The tests start their own, so tell it not to.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# Of Prometheus only its promtool is wanted: no server, no user, no service that starts with the machine.
unpack_promtool() {
    folder=$(mktemp -d)
    chmod 755 "$folder"
    if (cd "$folder" && apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg -x prometheus_*.deb .); then
        install -m 755 "$folder/usr/bin/promtool" /usr/local/bin/promtool
    fi
    rm -rf "$folder"
    command -v promtool >/dev/null
}

echo "Installing the test servers:$missing ${promtool:+promtool}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || true
# shellcheck disable=SC2086  # a list of packages is meant
if [ -n "$missing" ] && ! apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
    echo "Could not install them; the tests say which servers they did without." >&2
fi
if [ -n "$promtool" ] && ! unpack_promtool; then
    echo "Could not get promtool; the tests say what they did without." >&2
fi

#!/bin/sh
# Make the virtual environment VENV with PYTHON (or bring it up to date): the packages of LOCK, checked by their
# hashes, and this project in editable mode.
set -eu

python=$1 venv=$2 lock=$3

say() { printf '%s\n' "$*" >&2; }

good() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    if good "$python"; then return; fi
    if [ "$python" = python3 ]; then
        for other in python3.14 python3.13 python3.12 python3.11; do
            if good "$other"; then python=$other; return; fi
        done
    fi
    if command -v "$python" >/dev/null; then
        found=$("$python" --version 2>&1 | head -n 1)
    else
        found="not there"
    fi
    say "iot-service needs Python 3.11 or later; '$python' is $found."
    say "Install one (Debian 12: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 ..."
    exit 1
}

# Debian and Ubuntu leave the module that makes environments out of the package python3.
have_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

ensure_venv_module() {
    if have_venv; then return; fi
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python$version-venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing $package, which this Python lacks."
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
        if have_venv; then return; fi
    fi
    say "This Python cannot make virtual environments. Install the package $package, for instance by"
    say "    sudo apt-get install $package"
    say "and try again."
    exit 1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    find_python
    ensure_venv_module
    say "Making the environment $venv with $("$python" --version)."
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

say "Installing what $lock says; the first time this takes a minute or two."
pip install --quiet --require-hashes --only-binary :all: -r "$lock"
pip install --quiet --no-index --no-deps --no-build-isolation -e .

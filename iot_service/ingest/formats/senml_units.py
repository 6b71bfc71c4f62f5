"""The unit symbols of SenML (RFC 8428, RFC 8798 and the registry's later additions) as the units we convert with."""

from __future__ import annotations

PRIMARY = {
    "m": "m", "kg": "kg", "g": "g", "s": "s", "A": "A", "K": "K", "cd": "cd", "mol": "mol", "Hz": "Hz", "rad": "rad",
    "sr": "sr", "N": "N", "Pa": "Pa", "J": "J", "W": "W", "C": "C", "V": "V", "F": "F", "Ohm": "ohm", "S": "S",
    "Wb": "Wb", "T": "T", "H": "H", "Cel": "degC", "lm": "lm", "lx": "lx", "Bq": "Bq", "Gy": "Gy", "Sv": "Sv",
    "kat": "kat", "m2": "m**2", "m3": "m**3", "l": "l", "m/s": "m/s", "m/s2": "m/s**2", "m3/s": "m**3/s", "l/s": "l/s",
    "W/m2": "W/m**2", "cd/m2": "cd/m**2", "bit": "bit", "bit/s": "bit/s", "lat": "deg", "lon": "deg", "pH": "pH",
    "dB": "dB", "dBW": "dBW", "Bspl": "Bspl", "count": "count", "/": "1", "%": "%", "%RH": "%", "%EL": "%", "EL": "s",
    "1/s": "1/s", "1/min": "1/min", "beat/min": "count/min", "beats": "count", "S/m": "S/m",
    "B": "byte", "VA": "VA", "VAs": "VA*s", "var": "var", "vars": "var*s", "J/m": "J/m", "kg/m3": "kg/m**3",
    "deg": "deg", "NTU": "NTU",
}  # fmt: skip
"""The SenML unit registry; ``/`` is a ratio, ``EL`` the seconds that a battery lasts."""

SECONDARY = {
    "ms": "ms", "min": "min", "h": "h", "MHz": "MHz", "kW": "kW", "kVA": "kVA", "kvar": "kvar", "Ah": "A*h",
    "Wh": "W*h", "kWh": "kW*h", "varh": "var*h", "kvarh": "kvar*h", "kVAh": "kVA*h", "Wh/km": "Wh/km", "KiB": "KiB",
    "GB": "GB", "Mbit/s": "Mbit/s", "B/s": "byte/s", "MB/s": "MB/s", "mV": "mV", "mA": "mA", "dBm": "dBm",
    "ug/m3": "ug/m**3", "mm/h": "mm/h", "m/h": "m/h", "ppm": "ppm", "/100": "%", "/1000": "permille", "hPa": "hPa",
    "mm": "mm", "cm": "cm", "km": "km", "km/h": "km/h",
    "ppb": "ppb", "VAh": "VA*h", "mg/l": "mg/l", "ug/l": "ug/l", "g/l": "g/l",
}  # fmt: skip
"""The secondary units: other scales of the primary ones."""

_UNITS = {**PRIMARY, **SECONDARY}


def unit_of(symbol: str) -> str:
    """Return the unit that a SenML ``u`` or ``bu`` means; a symbol that is not registered is returned as it is."""
    return _UNITS.get(symbol, symbol)

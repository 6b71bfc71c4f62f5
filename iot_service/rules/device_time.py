"""Device time: which instant a device has reached, as far as it is known that nothing older will come.

Live, that is the clock. While a device delivers readings older than the clock (a backlog after an outage, a replay), it
is the time of its newest reading, and from there it runs on at the pace of the clock. So a recording that is sent late,
fast or in one burst is judged by its own time, and silence is still noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_LIVE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """The time of one device.

    ``newest_ts`` is the newest time of measurement that was stored, ``newest_received`` when that came (UTC; None
    before the first). ``lateness`` is how long to wait for readings that come out of order; ``tick_grace`` (of a live
    device) and ``backlog_quiet`` (of one that delivers old readings) how long after its due time a timer waits for one.
    """

    newest_ts: datetime | None
    newest_received: datetime | None
    lateness: timedelta
    tick_grace: timedelta
    backlog_quiet: timedelta

    def watermark(self, vouched: datetime) -> datetime:
        """Return the instant up to which samples may be folded, when everything up to ``vouched`` is stored (UTC)."""
        return min(vouched, vouched - self._behind()) - self.lateness

    def quiet_until(self, vouched: datetime) -> datetime:
        """Return the instant up to which timers may be judged although no sample came after them."""
        return self.watermark(vouched) - self._slack()

    def sample_wake(self, at: datetime) -> datetime:
        """Return the ``vouched`` at which a sample of time ``at`` may be folded."""
        return max(at, at + self._behind()) + self.lateness

    def timer_wake(self, due: datetime) -> datetime:
        """Return the ``vouched`` at which a timer that is due at ``due`` may be judged."""
        return self.sample_wake(due) + self._slack()

    def _behind(self) -> timedelta:
        if self.newest_ts is None or self.newest_received is None:
            return timedelta(0)
        return self.newest_received - self.newest_ts

    def _slack(self) -> timedelta:
        return self.tick_grace if self._behind() <= _LIVE else self.backlog_quiet

"""Numbers and strangers' text in words for a person. Pure."""

import math
import re
from datetime import UTC, datetime, tzinfo
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86400

_UNITS: Final = {"s": 1, "m": MINUTE_S, "h": HOUR_S, "d": DAY_S}
_SPAN: Final = re.compile(r"(\d{1,9}[smhd])+|\d{1,9}")


def plain(text: str) -> str:
    """The text without what could steer a terminal: it comes from the bus."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def clock(at: float, zone: tzinfo | None = None) -> str:
    """A moment (Unix seconds) as 12:34:56.789; `zone` None: where we are."""
    try:
        moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return "--:--:--.---"
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def span(seconds: float) -> str:
    """A duration in at most two units: 0.21 s, 12 s, 3 min 20 s, 2 h 5 min, 4 d 1 h."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 10:
        return f"{max(seconds, 0.0):.2g} s"
    whole = round(seconds)
    for unit_s, unit, less_s, less in (
        (DAY_S, "d", HOUR_S, "h"),
        (HOUR_S, "h", MINUTE_S, "min"),
        (MINUTE_S, "min", 1, "s"),
    ):
        if whole >= unit_s:
            rest = whole % unit_s // less_s
            return f"{whole // unit_s} {unit}" + (f" {rest} {less}" if rest else "")
    return f"{whole} s"


def ago(at: float, now: float) -> str:
    """How long ago a moment was; `-` if it was never said."""
    return span(now - at) if at > 0 else "-"


def size(count_bytes: int) -> str:
    """Bytes as 512 B, 1.5 kB, 20 MB."""
    if count_bytes < 1000:
        return f"{count_bytes} B"
    amount = float(count_bytes)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
    return f"{amount / 1000:.4g} TB"


def milliseconds(ms: float | None) -> str:
    """A round trip as 0.82 ms, 12 ms; `-` if there is none."""
    if ms is None:
        return "-"
    return f"{ms:.2g} ms" if ms < 10 else f"{ms:.0f} ms"


def percent(ratio: float | None) -> str:
    """A share (0..1) as 0%, 0.4%, 25%; `-` if there is none."""
    if ratio is None:
        return "-"
    share = ratio * 100
    return f"{share:.1f}%" if 0 < share < 1 else f"{share:.0f}%"


def rate(bytes_per_s: float | None) -> str:
    """A flow as 850 bit/s, 12.3 Mbit/s; `-` if it is not known."""
    if bytes_per_s is None:
        return "-"
    amount = bytes_per_s * 8
    for unit in ("bit/s", "kbit/s", "Mbit/s"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} Gbit/s"


def seconds_of(text: str) -> float | None:
    """The seconds that 90, 30s, 15m, 1h30m or 2d stand for; None: it is no duration."""
    if not _SPAN.fullmatch(text):
        return None
    parts = re.findall(r"(\d+)([smhd]?)", text)
    return float(sum(int(count) * _UNITS[unit or "s"] for count, unit in parts))

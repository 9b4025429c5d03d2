"""
Opening hours: open, closing soon, closed or unknown at an instant, and until when.

OSM's ``opening_hours`` text, in Asia/Shanghai whatever zone the server runs in, with the holidays and
make-up workdays (调休) of mainland China. ``docs/guide/hours.md`` says what each kind of text means.
"""

from geo_service.hours.calendar import (
    ANNOUNCED_YEARS,
    FESTIVAL_REACH_DAYS,
    CalendarDay,
    DayKind,
    calendar_day,
    festival_name,
    statutory_days,
)
from geo_service.hours.combine import combine_timelines, restrict_timeline
from geo_service.hours.syntax import Kind
from geo_service.hours.timeline import (
    CLOSING_SOON_S,
    HORIZON_DAYS,
    SHANGHAI,
    Opening,
    State,
    Timeline,
    build_timeline,
    check_hours,
    opening_at,
    opening_on,
    parse_time,
)

__all__ = [
    "ANNOUNCED_YEARS",
    "CLOSING_SOON_S",
    "FESTIVAL_REACH_DAYS",
    "HORIZON_DAYS",
    "SHANGHAI",
    "CalendarDay",
    "DayKind",
    "Kind",
    "Opening",
    "State",
    "Timeline",
    "build_timeline",
    "calendar_day",
    "check_hours",
    "combine_timelines",
    "festival_name",
    "opening_at",
    "opening_on",
    "parse_time",
    "restrict_timeline",
    "statutory_days",
]

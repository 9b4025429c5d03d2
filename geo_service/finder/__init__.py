"""
A rider's questions: which place, how long, which way, on the way, within range.

``questions`` holds what may be asked and what comes back, ``finder`` asks the engine and the store.
"""

from geo_service.finder.finder import Finder, route_steps
from geo_service.finder.questions import (
    ACCEPTABLE,
    Ages,
    Found,
    NearestAnswer,
    NearestQuestion,
    OnwayAnswer,
    RouteAnswer,
    Shortfall,
    Step,
    Stop,
)

__all__ = [
    "ACCEPTABLE",
    "Ages",
    "Finder",
    "Found",
    "NearestAnswer",
    "NearestQuestion",
    "OnwayAnswer",
    "RouteAnswer",
    "Shortfall",
    "Step",
    "Stop",
    "route_steps",
]

"""
A rider's questions: which place, how long, which way, on the way, within range; a planner's: how much is covered.

``questions`` holds what may be asked and what comes back, ``finder`` asks the engine and the store, ``tables`` keeps
what is prepared once per version of a layer.
"""

from geo_service.finder.doubted import Doubted, Doubts
from geo_service.finder.finder import Finder
from geo_service.finder.questions import (
    ACCEPTABLE,
    Band,
    CoverageAnswer,
    CoverageQuestion,
    Found,
    NearestAnswer,
    NearestQuestion,
    OnwayAnswer,
    RangeAnswer,
    RouteAnswer,
    Shortfall,
    Step,
    Stop,
    Trial,
    WhatIfAnswer,
)
from geo_service.finder.steps import route_steps
from geo_service.finder.tables import Ages, Wish

__all__ = [
    "ACCEPTABLE",
    "Ages",
    "Band",
    "CoverageAnswer",
    "CoverageQuestion",
    "Doubted",
    "Doubts",
    "Finder",
    "Found",
    "NearestAnswer",
    "NearestQuestion",
    "OnwayAnswer",
    "RangeAnswer",
    "RouteAnswer",
    "Shortfall",
    "Step",
    "Stop",
    "Trial",
    "WhatIfAnswer",
    "Wish",
    "route_steps",
]

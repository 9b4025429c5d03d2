"""
The datum doctor: whether a list of places is in WGS-84, GCJ-02 or BD-09, with the evidence.

``build_ground`` prepares a district once; ``diagnose`` looks at a list in a fraction of a second.
``docs/guide/datum-doctor.md`` says how it works and how often it is right.
"""

from geo_service.exchange.doctor.diagnose import diagnose
from geo_service.exchange.doctor.ground import Ground, build_ground
from geo_service.exchange.doctor.readings import DATUMS, READINGS, WORDS, Reading, to_wgs84
from geo_service.exchange.doctor.results import (
    CONFIDENCE_LINE,
    ROW_LINE,
    Diagnosis,
    RowDiagnosis,
    Sentence,
)
from geo_service.exchange.doctor.witnesses import Double

__all__ = [
    "CONFIDENCE_LINE",
    "DATUMS",
    "READINGS",
    "ROW_LINE",
    "WORDS",
    "Diagnosis",
    "Double",
    "Ground",
    "Reading",
    "RowDiagnosis",
    "Sentence",
    "build_ground",
    "diagnose",
    "to_wgs84",
]

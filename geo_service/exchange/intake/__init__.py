"""
Files in: what a stranger's file holds, what its columns mean, and what an import of it would do.

``read_table`` reads in a confined child process, ``guess_mapping`` says what the columns hold, ``plan_import``
works out the edits and names every bad row. ``docs/guide/import.md`` shows all of it from the user's side.
"""

from geo_service.exchange.confined.cage import Limits
from geo_service.exchange.confined.rows import Row
from geo_service.exchange.intake.confine import limits_for, run_confined
from geo_service.exchange.intake.coordinates import Pair, parse_degrees, parse_pair
from geo_service.exchange.intake.drafts import LeftOut, Refusal
from geo_service.exchange.intake.headings import read_heading
from geo_service.exchange.intake.mapping import (
    ColumnGuess,
    ColumnMapping,
    fingerprint_of,
    guess_mapping,
    source_of,
)
from geo_service.exchange.intake.outcome import (
    Added,
    Changed,
    FieldChange,
    ImportPlan,
    Kept,
    Unplaced,
    role_of,
)
from geo_service.exchange.intake.plan import place_by_hand, plan_import
from geo_service.exchange.intake.points import points_of
from geo_service.exchange.intake.table import Table, read_table
from geo_service.exchange.intake.wording import hours_from_words, services_from_words

__all__ = [
    "Added",
    "Changed",
    "ColumnGuess",
    "ColumnMapping",
    "FieldChange",
    "ImportPlan",
    "Kept",
    "LeftOut",
    "Limits",
    "Pair",
    "Refusal",
    "Row",
    "Table",
    "Unplaced",
    "fingerprint_of",
    "guess_mapping",
    "hours_from_words",
    "limits_for",
    "parse_degrees",
    "parse_pair",
    "place_by_hand",
    "plan_import",
    "points_of",
    "read_heading",
    "read_table",
    "role_of",
    "run_confined",
    "services_from_words",
    "source_of",
]

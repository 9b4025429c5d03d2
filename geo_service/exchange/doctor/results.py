"""
What the doctor says: the diagnosis of a list, of each row, and the sentences that give the reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor.case import as_list
from geo_service.exchange.doctor.readings import DATUMS, READINGS, Reading, to_wgs84
from geo_service.exchange.doctor.witnesses import Double
from geo_service.geo import Datum, FloatArray

CONFIDENCE_LINE = 0.95
"""
Below this the doctor asks. On the some three thousand lists of one datum of ``docs/guide/datum-doctor.md`` no
wrong answer came above 0.58, on lists of real places none reached the line; most lists of twenty rows do.
"""

ROW_LINE = 0.9
"""Below this a single row of a mixed list is asked about."""

NEAR_M = 30.0
"""What the sentences call near a street."""

Status = Literal["sure", "mixed", "ask", "coincide"]


class RowDiagnosis(NamedTuple):
    """
    What one row is.

    Parameters
    ----------
    row
        Counted from 0.
    reading
        How it is to be read; None if it has no position, lies elsewhere, or must be asked about.
    confidence
        Probability of the likeliest reading, given the rest of the list.
    likeliest
        That reading; None without a position here.
    is_swapped
        Longitude and latitude stand in each other's column.
    is_odd
        Read otherwise than the rest.
    note
        ``"absent"``, ``"elsewhere"`` (outside under every reading), ``"doubtful"`` (goes with the list, but
        another reading fits it better) or empty.
    """

    row: int
    reading: Reading | None
    confidence: float
    likeliest: Reading | None
    is_swapped: bool = False
    is_odd: bool = False
    note: str = ""


class Sentence(NamedTuple):
    """One piece of evidence for a person."""

    kind: str
    zh: str
    en: str


@dataclass(frozen=True)
class Diagnosis:
    """
    How a list is to be read, with the evidence.

    Parameters
    ----------
    status
        ``"sure"``: one reading for all, above `CONFIDENCE_LINE`. ``"mixed"``: surely more than one.
        ``"ask"``: not sure. ``"coincide"``: maps are not shifted there, so it does not matter.
    reading
        The likeliest reading, None if there is nothing to go by.
    confidence
        Its probability; of a mixed list that of the mixture.
    probabilities
        Of each reading, of ``"mixed"`` and of ``"unknown"``; they add up to 1.
    rows
        One per row of the list.
    doubles
        Pairs of rows that are one place under two datums.
    sentences
        The evidence in Chinese and English, most telling first.
    """

    status: Status
    reading: Reading | None
    confidence: float
    probabilities: Mapping[str, float]
    rows: tuple[RowDiagnosis, ...]
    doubles: tuple[Double, ...]
    sentences: tuple[Sentence, ...]

    @property
    def datum(self) -> Datum | None:
        """Datum of the list if that is sure and plain: what ``--datum auto`` may take; else None."""
        is_known = self.status in ("sure", "coincide")
        return next((one for one in DATUMS if one == self.reading), None) if is_known else None

    @property
    def odd_rows(self) -> tuple[int, ...]:
        """Rows that are read otherwise than the rest, swapped ones among them."""
        return tuple(one.row for one in self.rows if one.is_odd or one.is_swapped)

    @property
    def must_ask(self) -> bool:
        """Whether a person has to decide before anything is imported."""
        return self.datum is None or bool(self.odd_rows) or bool(self.doubles)

    def to_wgs84(self, lonlat: npt.ArrayLike) -> FloatArray:
        """
        Lead the list to WGS 84 row by row as it was diagnosed; swapped columns are put right.

        Parameters
        ----------
        lonlat
            The list that was diagnosed, shape ``(n, 2)``.

        Returns
        -------
        lonlat
            WGS 84; NaN for rows that must be asked about.

        Raises
        ------
        InvalidInputError
            If it has another number of rows.
        """
        points = as_list(lonlat)
        if len(points) != len(self.rows):
            raise InvalidInputError(
                f"lonlat has {len(points)} rows, the diagnosis {len(self.rows)}; give the list that was diagnosed",
                parameter="lonlat",
                value=len(points),
            )
        swapped = np.array([one.is_swapped for one in self.rows], dtype=np.bool_)
        points[swapped] = points[swapped][:, ::-1]
        out = np.full_like(points, np.nan)
        for reading in READINGS:
            chosen = np.array([one.reading == reading for one in self.rows], dtype=np.bool_)
            out[chosen] = to_wgs84(points[chosen], reading)
        return out

    def to_json(self) -> dict[str, Any]:
        """
        Give all of it as JSON values.

        Returns
        -------
        diagnosis
            Rows and doubles as objects, the sentences with ``zh`` and ``en``.
        """
        return {
            "status": self.status,
            "reading": self.reading,
            "datum": self.datum,
            "must_ask": self.must_ask,
            "confidence": round(self.confidence, 4),
            "confidence_line": CONFIDENCE_LINE,
            "probabilities": {key: round(value, 4) for key, value in self.probabilities.items()},
            "rows": [one._asdict() | {"confidence": round(one.confidence, 4)} for one in self.rows],
            "doubles": [one._asdict() | {"off_m": round(one.off_m, 1)} for one in self.doubles],
            "evidence": [one._asdict() for one in self.sentences],
        }

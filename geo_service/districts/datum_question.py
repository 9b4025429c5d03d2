"""
In which datum a file is: what the doctor says of it here, whether a person has to be asked, and its rows one by one.
"""

import math
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from geo_service.errors import InvalidInputError
from geo_service.exchange.doctor import WORDS, Diagnosis, build_ground, diagnose
from geo_service.exchange.intake import ColumnMapping, Table, points_of
from geo_service.exchange.intake.headings import POSITION_FIELDS
from geo_service.geo import Datum, FloatArray
from geo_service.layers import Place

if TYPE_CHECKING:
    from geo_service.districts.district import District

_DATUMS: dict[str, Datum] = {"wgs84": "wgs84", "gcj02": "gcj02", "bd09": "bd09"}
_UNREADABLE = "the doctor cannot tell its datum; say the datum of the list, or take the row out"


@dataclass(frozen=True)
class DatumQuestion:
    """
    A file that was read, and where it goes: all that its datum is told from.

    Parameters
    ----------
    district
        Its streets on foot, outline and places are what the file is held against.
    table
        The file.
    mapping
        What its columns hold.
    layer
        Layer of the catalogue.
    """

    district: "District"
    table: Table
    mapping: ColumnMapping
    layer: str

    @property
    def is_settled(self) -> bool:
        """Whether there is no question: areas, and our own exports with WGS 84 columns, are WGS 84."""
        is_plain = self.mapping.is_ours and self.mapping.column_of("lon_wgs84") is not None
        return self.district.catalogue[self.layer].is_area or is_plain

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What the doctor says; None where there is no question."""
        return None if self.is_settled else self.examine()

    def examine(self) -> Diagnosis | None:
        """
        Ask the doctor, whether there is a question or not.

        Returns
        -------
        diagnosis
            Rows in the order of the file; None if no row has a position.
        """
        lonlat, names, addresses = self._in_order()
        if not np.isfinite(lonlat).any():
            return None
        layers = [self.district.store.layer(name) for name in self.district.layer_names()]
        known = [(p.name, p.lon, p.lat) for layer in layers for p in layer.features if isinstance(p, Place)]
        ground = build_ground([self.district.network("walk")], self.district.config.boundary, known)
        return diagnose(lonlat, ground, names, addresses, _row_numbers(self.table))

    def told(self, usual: Datum | None = None) -> Datum | None:
        """
        Tell the datum if the file's own word and the doctor's leave no doubt.

        What the file states (a heading, its format) counts unless the doctor is sure of something else; a file that
        states nothing needs a doctor who is sure.

        Parameters
        ----------
        usual
            What lists of this origin are in, where the file states nothing itself.

        Returns
        -------
        datum
            None if a person has to say it.
        """
        if self.is_settled:
            return "wgs84"
        stated, diagnosis = self.mapping.datum or self.table.declared_datum or usual or "", self.diagnosis
        if diagnosis is None:
            return _DATUMS.get(stated, "wgs84")
        if diagnosis.status == "coincide":
            return "wgs84"
        if stated in _DATUMS and diagnosis.status == "ask":
            return _DATUMS[stated]
        if diagnosis.must_ask or stated not in ("", diagnosis.datum):
            return None
        return diagnosis.datum

    def settle(self, usual: Datum | None = None) -> Datum:
        """
        Tell the datum, or ask for it.

        Parameters
        ----------
        usual
            As for `told`.

        Returns
        -------
        datum
            Beyond doubt.

        Raises
        ------
        InvalidInputError
            If a person has to say it; the message names every hypothesis and the evidence.
        """
        told = self.told(usual)
        if told is None:
            raise _asked(self.table, self.mapping, self.diagnosis)
        return told

    def straighten(self, diagnosis: Diagnosis | None = None) -> tuple[Table, ColumnMapping]:
        """
        Lead every row to WGS 84 as the doctor reads it: for lists of several datums, or shifted twice.

        Parameters
        ----------
        diagnosis
            What the doctor says; None asks.

        Returns
        -------
        table, mapping
            Rows with WGS 84 points, and columns of coordinates left out; rows that the doctor cannot read are
            refused by name when they are planned.
        """
        table, mapping, diagnosis = self.table, self.mapping, diagnosis or self.examine()
        if diagnosis is None:
            return table, mapping
        given, _, _ = self._in_order()
        rows = []
        for row, typed, (lon, lat) in zip(
            table.rows, given.tolist(), diagnosis.to_wgs84(given).tolist(), strict=True
        ):
            if not math.isnan(lon):
                rows.append(row._replace(point=(round(lon, 7), round(lat, 7))))
            else:
                has_position = not any(map(math.isnan, typed))
                rows.append(row._replace(point=None, fault=_UNREADABLE if has_position else row.fault))
        for guess in mapping.columns:
            if guess.field in POSITION_FIELDS:
                mapping = mapping.with_field(guess.column, "")
        return replace(table, rows=tuple(rows)), replace(mapping, is_swapped=False)

    def raw_points(self) -> tuple[FloatArray, list[str]]:
        """
        Positions as they stand in the file, to show them under each datum.

        Returns
        -------
        lonlat
            Degrees in the file's datum, shape ``(n, 2)``.
        names
            One per point.
        """
        points = points_of(self.table, self.mapping, self.district.catalogue)
        lonlat = np.array([(one.lon, one.lat) for one in points], dtype=np.float64).reshape(-1, 2)
        return lonlat, [one.name for one in points]

    def _in_order(self) -> tuple[FloatArray, list[str], list[str]]:
        """Positions, names and addresses of all rows as they stand in the file; NaN and empty where there is none."""
        points = {
            point.where: point for point in points_of(self.table, self.mapping, self.district.catalogue)
        }
        rows = [points.get(row.where) for row in self.table.rows]
        lonlat = np.array([(one.lon, one.lat) if one else (np.nan, np.nan) for one in rows]).reshape(-1, 2)
        names, addresses = ([getattr(one, key) if one else "" for one in rows] for key in ("name", "address"))
        return lonlat, names, addresses


def _row_numbers(table: Table) -> list[int]:
    """Rows as the file counts them, headings included: refusals and the doctor's sentences name the same ones."""
    ends = (re.search(r" (\d+)$", row.where) for row in table.rows)
    return [int(end[1]) if end else number for number, end in enumerate(ends, 1)]


def _asked(table: Table, mapping: ColumnMapping, diagnosis: Diagnosis | None) -> InvalidInputError:
    """The question, with every hypothesis, its probability and the evidence."""
    stated = mapping.datum or table.declared_datum
    said = f"the file says {stated}, but: " if stated else ""
    evidence = [one.en for one in diagnosis.sentences] if diagnosis else []
    shares = diagnosis.probabilities if diagnosis else {}
    likely = sorted((key for key in shares if shares[key] >= 0.01), key=lambda key: -shares[key])
    names = ", ".join(f"{_word(key)} {shares[key]:.0%}" for key in likely)
    flag = "--not-swapped" if mapping.is_swapped else "--swapped"
    turned = [one.is_swapped for one in diagnosis.rows] if diagnosis else []
    is_most = 2 * sum(turned) > len(turned)
    swap = f" Say {flag} to exchange longitude and latitude; if they stand right:" if is_most else ""
    return InvalidInputError(
        f"{table.name}: the datum has to be asked for: {said}{' '.join(evidence)} Possible: {names}.{swap}"
        " Say --datum wgs84, gcj02 or bd09, or rows to read each row as it was found",
        parameter="--datum",
        value="auto",
        allowed=["wgs84", "gcj02", "bd09"],
        probabilities=dict(shares),
        evidence=evidence,
    )


def _word(reading: str) -> str:
    return next((words[1] for key, words in WORDS.items() if key == reading), reading)

"""The question that is asked most, with as little ado as there can be: the k nearest places of one point."""

from geo_service.engine.router import NONE, Windows
from geo_service.finder.questions import FloatArray, Found, NearestQuestion
from geo_service.finder.tables import Ready, Table


def find_from_point(
    table: Table, ready: Ready, windows: Windows, question: NearestQuestion, origins: FloatArray
) -> tuple[Found, ...]:
    """
    Find all k places from one point, and how they stand from what is prepared of their day.

    Parameters
    ----------
    table
        The layer.
    ready
        The question, made ready.
    windows
        When places count.
    question
        What is asked.
    origins
        The point, shape ``(1, 2)``.

    Returns
    -------
    found
        Nearest first; none, if fewer are found, the point is far, or not all that is to be told was prepared.
    """
    ((lon, lat),) = origins.tolist()
    if question.doubts.spans or not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        return ()
    rows, costs, lengths = ready.router.nearest_point(
        lon, lat, ready.facilities, question.k, windows
    ).tolist()
    if rows[-1] == NONE:
        return ()
    places, standings, start_s = table.places, ready.standings, question.at.timestamp()
    found = [
        Found(places[row], cost_ms, length_mm, opening)
        for row, cost_ms, length_mm in zip(rows, costs, lengths, strict=True)
        if (opening := standings[row].at(start_s + cost_ms / 1000))
    ]
    return tuple(found) if len(found) == len(rows) else ()

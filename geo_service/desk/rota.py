"""
What to check next: each kind of fact ages on its own clock, the stalest comes first.

A fact is due when it is as old as its kind may become. One that was never checked is due since the place
exists; it comes before all others of its kind, because nobody has ever looked. Of two facts the one
whose age is the larger multiple of its limit is the staler: a cabinet not seen for three days before hours not
seen for ninety.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from geo_service.errors import InvalidInputError
from geo_service.layers import CHECK_KINDS, Checked, Edit, Place, is_active

DEFAULT_AGES: Mapping[str, int] = {
    "existence": 180,
    "hours": 60,
    "services": 120,
    "access": 120,
    "cabinet": 1,
}
"""Days after which a kind of fact is due, where the settings do not say otherwise."""

_CABINETS = frozenset({"charging", "swap"})


@dataclass(frozen=True)
class Due:
    """
    One question for whoever stands at the place.

    Parameters
    ----------
    place
        Which place.
    kind
        Which kind of fact.
    checked_on
        When it was last checked; None if never.
    age_share
        Its age in multiples of what its kind allows, at least 1; infinite if never checked.
    """

    place: Place
    kind: str
    checked_on: date | None
    age_share: float


def kinds_of(place: Place) -> tuple[str, ...]:
    """
    Kinds of fact that a place has and that age.

    Parameters
    ----------
    place
        The place.

    Returns
    -------
    kinds
        ``existence`` and ``hours`` always: unknown hours are the first thing to ask for.
    """
    kinds = ["existence", "hours"]
    if place.services:
        kinds.append("services")
    if place.access:
        kinds.append("access")
    if place.layer in _CABINETS:
        kinds.append("cabinet")
    return tuple(kinds)


def due_checks(places: Iterable[Place], ages_days: Mapping[str, int], on: date) -> tuple[Due, ...]:
    """
    List what is due, the stalest first.

    Parameters
    ----------
    places
        Places in any order; those not in use on the day are left out.
    ages_days
        Days after which each kind is due; kinds that are not named never are.
    on
        The day.

    Returns
    -------
    due
        Never checked first, then by age in multiples of its limit; ties by id and kind.
    """
    found = [
        due
        for place in places
        if is_active(place, on)
        for kind in kinds_of(place)
        if kind in ages_days and (due := _due(place, kind, ages_days[kind], on))
    ]
    return tuple(sorted(found, key=lambda due: (-due.age_share, due.place.id, due.kind)))


def _due(place: Place, kind: str, limit_days: int, on: date) -> Due | None:
    checked_on = place.provenance.checked_on(kind)
    if checked_on is None:
        return Due(place, kind, None, float("inf"))
    share = (on - checked_on) / timedelta(days=max(limit_days, 1))
    return Due(place, kind, checked_on, share) if share >= 1 else None


def confirm_check(place: Place, kind: str, *, role: str, on: date, base_version: int) -> Edit:
    """
    Take down that a fact was checked and is still right, as an edit of the place.

    That something is wrong is no edit but a doubt: a thumb says that a fact is wrong, not what is right.

    Parameters
    ----------
    place
        The place as the verifier saw it.
    kind
        Which kind of fact was asked for; one of ``CHECK_KINDS``.
    role
        In which role the verifier answers.
    on
        The day.
    base_version
        Version of the layer that the verifier saw.

    Returns
    -------
    edit
        Of the provenance alone.

    Raises
    ------
    InvalidInputError
        If the kind is none.
    """
    if kind not in CHECK_KINDS:
        raise InvalidInputError(
            f"kind={kind!r} is not checked; allowed: {', '.join(CHECK_KINDS)}", parameter="kind", value=kind
        )
    checked = dict(place.provenance.checked) | {kind: Checked(on, role)}
    after = replace(place, provenance=replace(place.provenance, checked=checked))
    return Edit(place.layer, place.id, base_version, place, after)

"""
From nearness to probability: how likely a list is under each reading, mixtures and strangers included.

A reading puts every row at a place. Right readings put rows where places are: some metres beside a
street, in the district, on the street of their address, on the place of their name; wrong ones put
them anywhere around. `densities` says how many times likelier a row's place is than one anywhere
around; *anywhere around* is not assumed but measured, by moving the whole list by vectors that no
reading explains. The same moved lists say how much of a list's likelihood is luck, and stand
for the answer "none of these".
"""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_service.exchange.doctor.ground import FAR_M, Ground
from geo_service.exchange.doctor.readings import READINGS
from geo_service.geo import FloatArray

Pair = tuple[int, int]
IntArray = npt.NDArray[np.intp]

N_MOVES = 64
"""Vectors by which the list is moved to see what chance gives; enough for a spread known to a tenth."""

_MOST_ROWS = 300  # of a longer list a sample is judged; 300 rows leave no doubt that 5,000 would settle
_BINS_M = np.array([0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 65.0, 80.0, 110.0, 150.0, 220.0, FAR_M])
_MOVE_M = (250.0, 1500.0)  # as far as readings lie apart
_APART_M = 150.0  # a moved list this near to a reading's is no stranger to it
_OUTSIDE = 0.1  # of the density inside the outline: a list may hold a few of the neighbours'
_STRAY = np.array([0.03, 0.1, 0.25, 0.5])  # share of rows that stand anywhere
_STRAY_PRIOR = np.log(np.array([0.4, 0.3, 0.2, 0.1]))
_SHARES = np.linspace(0.15, 0.85, 8)  # of the second reading of a mixture
_PRIOR: Mapping[str, float] = {"wgs84": 0.28, "gcj02": 0.34, "bd09": 0.2}
_MISHAP_PRIOR = 0.02
_UNKNOWN_PRIOR = 0.02
_PAIR_PRIOR = 0.03  # of all mixtures together, those of two datums and those with a mishap half each
_TRUST = 1.25  # likelihoods count this much; calibrated, as is the caution of short lists
_EXCESS = 2.0  # spreads above chance; pure lists pass it in three or four of a hundred
_CAUTION = 3.0  # rows that a list must first pay in


class Verdict(NamedTuple):
    """
    Probabilities of what a list may be; they add up to 1.

    Parameters
    ----------
    pure
        Of each reading, shape ``(h,)``.
    pairs
        Of each mixture of two readings.
    unknown
        That no reading explains the list.
    share
        Of each mixture, the likeliest share of its second reading.
    suspect
        A reading that explains the rows the best one explains badly, better than chance does; None
        if there is none. Such a list is not of one kind, even where its mixture is not sure.
    """

    pure: FloatArray
    pairs: Mapping[Pair, float]
    unknown: float
    share: Mapping[Pair, float]
    suspect: int | None


def sample_rows(count: int) -> IntArray:
    """Rows that are judged for the list's sake: all, or as many as are enough, evenly taken."""
    return np.linspace(0, count - 1, min(count, _MOST_ROWS)).astype(np.intp)


def build_moves(read_xy: FloatArray) -> FloatArray:
    """
    Move a list by vectors that no reading explains.

    Parameters
    ----------
    read_xy
        The list under each reading, local metres, shape ``(n, h, 2)``.

    Returns
    -------
    moved_xy
        Local metres, shape ``(n, k, 2)``; moved from the middle reading, so that they lie around all.
    """
    base = read_xy[:, READINGS.index("gcj02")]
    others = np.median(read_xy - base[:, None], axis=0)
    turn = np.arange(4 * N_MOVES) * (np.pi * (3.0 - np.sqrt(5.0)))
    reach_m = np.linspace(*_MOVE_M, len(turn))[np.random.default_rng(4).permutation(len(turn))]
    vectors = np.column_stack([np.cos(turn), np.sin(turn)]) * reach_m[:, None]
    near_m = np.linalg.norm(vectors[:, None] - others, axis=-1).min(axis=1)
    chosen = vectors[near_m > _APART_M][:N_MOVES]
    return np.asarray(base[:, None] + chosen)


def measure_chance(ground: Ground, moved_xy: FloatArray) -> FloatArray:
    """
    How much likelier a place is than anywhere around, by classes of distance to its street.

    Parameters
    ----------
    ground
        The district.
    moved_xy
        From `build_moves`.

    Returns
    -------
    ratio
        Model over chance, one per class of distance.
    """
    chance_m = ground.gaps(moved_xy)[ground.is_covered(moved_xy)]
    count = np.bincount(_bin(chance_m), minlength=len(_BINS_M) - 1).astype(np.float64)
    # forty points spread evenly keep classes that chance never met in hand
    chance = (count + 40.0 * np.diff(_BINS_M) / FAR_M) / (count.sum() + 40.0)
    return _never_rising(place_shares(), chance)


def _never_rising(model: FloatArray, chance: FloatArray) -> FloatArray:
    """
    Model over chance, with neighbouring classes pooled until it nowhere rises with the distance.

    Where streets are so dense that chance itself keeps within 30 m of one, the model would else take the
    farther reading for the better one; there distance says nothing, and the ratio is 1.
    """
    blocks: list[tuple[float, float, int]] = []
    for share, other in zip(model.tolist(), chance.tolist(), strict=True):
        blocks.append((share, other, 1))
        while len(blocks) > 1 and blocks[-1][0] * blocks[-2][1] > blocks[-2][0] * blocks[-1][1]:
            (a, b, n), (c, d, m) = blocks.pop(), blocks.pop()
            blocks.append((a + c, b + d, n + m))
    return np.concatenate([np.full(count, share / other) for share, other, count in blocks])


def densities(ground: Ground, ratio: FloatArray, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    How much likelier places are there than anywhere around, by streets and outline.

    Parameters
    ----------
    ground
        The district.
    ratio
        From `measure_chance`.
    xy
        Local metres, shape ``(n, c, 2)``.

    Returns
    -------
    density
        Shape ``(n, c)``; 1 says nothing.
    gap_m
        Metres to the nearest street, same shape.
    """
    gap_m = ground.gaps(xy)
    inside = np.where(ground.is_inside(xy), 1.0, _OUTSIDE)
    near: FloatArray = ratio[_bin(gap_m)]
    return near * np.where(ground.is_covered(xy), inside, 0.0), gap_m


def _bin(gap_m: FloatArray) -> IntArray:
    return np.minimum(np.searchsorted(_BINS_M, gap_m, side="right") - 1, len(_BINS_M) - 2)


def place_shares() -> FloatArray:
    """
    Share of places in each class of distance to their street, as a model and not as a measurement.

    Three quarters stand anywhere up to 40 m beside it, blurred by some metres of noise; the others
    stand back in compounds that the map does not enter. Checked against 269 real places of Beijing on
    a network of car roads: a quarter of them within 12 m, half within 22 m, nine in ten within 59 m.

    Returns
    -------
    share
        One per class of ``_BINS_M``, adding up to 1.
    """
    near = _near_below(_BINS_M)
    back = 1.0 - np.exp(-_BINS_M / 60.0)
    below = 0.75 * near / near[-1] + 0.25 * back / back[-1]
    return np.asarray(np.diff(below))


def street_pdf(gap_m: FloatArray) -> FloatArray:
    """
    Density of places over the distance to their street, per metre; nothing beyond `FAR_M`.

    Parameters
    ----------
    gap_m
        Metres, any shape.

    Returns
    -------
    density
        Per metre, same shape.
    """
    density: FloatArray = (place_shares() / np.diff(_BINS_M))[_bin(gap_m)]
    return np.asarray(np.where(gap_m < FAR_M, density, 0.0))


def _near_below(gap_m: FloatArray) -> FloatArray:
    """Cumulated share of a flat 0 to 40 m with a soft end: logistic of 6 m, about a GPS's noise."""
    fine_m = np.linspace(0.0, FAR_M, 3001)
    density = 1.0 / (1.0 + np.exp((fine_m - 40.0) / 6.0))
    return np.asarray(np.interp(gap_m, fine_m, np.cumsum(density) / density.sum()))


def judge(read: FloatArray, moved: FloatArray) -> Verdict:
    """
    Weigh every explanation of a list.

    Parameters
    ----------
    read
        Densities under each reading, shape ``(n, h)``.
    moved
        Those of the moved lists, shape ``(n, k)``.

    Returns
    -------
    verdict
        Its probabilities already carry the tempering for rows that depend on each other: fifty shops of
        one street are no fifty witnesses.
    """
    trust = _TRUST * _independence(moved) * len(read) / (len(read) + _CAUTION)
    pure = _pure_score(read, trust)
    pairs = list(combinations(range(read.shape[1]), 2))
    paired = np.array([_pair_scores(read[:, a], read[:, b], trust) for a, b in pairs])
    strangers = _pure_score(moved, trust)
    best = read[:, int(np.argmax(pure))]
    half_strangers = np.array([_log_mean(_pair_scores(best, one, trust)) for one in moved.T])
    unknown = np.logaddexp(
        _log_mean(strangers) + np.log(_UNKNOWN_PRIOR),
        _log_mean(half_strangers) + np.log(_PAIR_PRIOR / 2.0),
    )
    scores = np.concatenate(
        [
            pure + np.log([_PRIOR.get(name, _MISHAP_PRIOR) for name in READINGS]),
            [_log_mean(row) + _log_pair_prior(pair) for pair, row in zip(pairs, paired, strict=True)],
            [unknown],
        ]
    )
    weight = np.exp(scores - scores.max())
    weight /= weight.sum()
    return Verdict(
        weight[: len(pure)],
        dict(zip(pairs, weight[len(pure) : -1].tolist(), strict=True)),
        float(weight[-1]),
        {pair: float(_SHARES[np.argmax(row)]) for pair, row in zip(pairs, paired, strict=True)},
        _suspect(read, moved, int(np.argmax(pure))),
    )


def _suspect(read: FloatArray, moved: FloatArray, best: int) -> int | None:
    """
    Test whether another reading would gain by having some of the rows, against moved lists.

    This is the slope of a mixture's likelihood at no share at all, the most powerful test for small
    shares; its spread is that of the moved lists, in which rows depend on each other as they do here.
    """
    held = 0.9 * read + 0.1
    slope = (held / held[:, best : best + 1]).sum(axis=0)
    chance = ((0.9 * moved + 0.1) / held[:, best : best + 1]).sum(axis=0)
    excess = (slope - chance.mean()) / max(float(chance.std()), 1e-9)
    excess[best] = -np.inf
    second = int(np.argmax(excess))
    is_more = (
        excess[second] >= _EXCESS and slope[second] > chance.max()
    )  # names have heavy tails: ask for both
    return second if is_more else None


def _log_pair_prior(pair: Pair) -> float:
    of_datums = sum(max(other) < len(_PRIOR) for other in combinations(range(len(READINGS)), 2))
    of_mishaps = len(READINGS) * (len(READINGS) - 1) // 2 - of_datums
    return float(np.log(_PAIR_PRIOR / 2.0 / (of_datums if max(pair) < len(_PRIOR) else of_mishaps)))


def _independence(moved: FloatArray) -> float:
    """
    How much each row counts as a witness of its own, at most 1: the design effect, turned over.

    If rows stand apart, the spread of their sum is the sum of their spreads. Rows that a move carries
    out of the extract say nothing of that.
    """
    log = np.log(0.9 * moved + 0.1)
    is_seen = moved > 0.0
    mean = log.sum(axis=1, where=is_seen, keepdims=True) / np.maximum(is_seen.sum(axis=1, keepdims=True), 1)
    off = np.where(is_seen, log - mean, 0.0)
    together, apart = float(np.square(off.sum(axis=0)).sum()), float(np.square(off).sum())
    return float(np.clip(apart / together, 0.15, 1.0)) if together > 0.0 else 1.0


def _pure_score(density: FloatArray, trust: float) -> FloatArray:
    """Log likelihood of the whole list under each column, over all shares of strays."""
    stray = _STRAY[:, None, None]
    log = np.log((1.0 - stray) * density + stray).sum(axis=1)
    return _over_strays(trust * log)


def _pair_scores(first: FloatArray, second: FloatArray, trust: float) -> FloatArray:
    """Log likelihood of a mixture at each of ``_SHARES``, over all shares of strays."""
    mixed = first[:, None] + _SHARES * (second - first)[:, None]
    return _pure_score(mixed, trust)


def _over_strays(log: FloatArray) -> FloatArray:
    return np.asarray(np.logaddexp.reduce(log + _STRAY_PRIOR[:, None], axis=0))


def _log_mean(log: FloatArray) -> float:
    return float(np.logaddexp.reduce(log) - np.log(len(log)))


def row_shares(read: FloatArray, weights: FloatArray, stray: float = 0.1) -> FloatArray:
    """
    Probability of each reading for each row, given how common readings are in the list.

    Parameters
    ----------
    read
        Densities, shape ``(n, h)``.
    weights
        Share of each reading in the list, shape ``(h,)``, adding up to 1.
    stray
        Share of rows that stand anywhere; such a row keeps the list's weights.

    Returns
    -------
    share
        Shape ``(n, h)``, rows add up to 1.
    """
    joint = weights * ((1.0 - stray) * read + stray)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))

"""
Is it true? Whether the winner of a menu of measures stays the winner when what was assumed is wrong.

Each trial takes one thing that may be otherwise: another cutoff, other speeds, other weights of demand, places that
are not there. A measure's worth is what it adds alone for its price. A recommendation that survives fewer than
four of five seeded errors must say so before anything else.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_service.planning.demand import Weights
from geo_service.planning.measures import Menu

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HOLDS_SHARE = 0.8
"""Share of the seeded errors that a recommendation must survive to be called firm."""


@dataclass(frozen=True)
class Trial:
    """
    What one change of the assumptions did to the ranking.

    Parameters
    ----------
    kind
        ``"cutoff"``, ``"speed"``, ``"demand"``, ``"places"`` or ``"streets"``.
    what
        The change in words, such as ``"12 min"`` or ``"seed 3"``.
    winner
        Id of the measure that then adds most for its price; empty if none adds anything.
    rank_agreement
        Kendall's tau-b with the ranking as it stands, -1 to 1; not a number if one of them ranks nothing.
    is_seeded
        Whether it is one of many random errors of its kind.
    """

    kind: str
    what: str
    winner: str
    rank_agreement: float
    is_seeded: bool


@dataclass(frozen=True)
class Verdict:
    """
    Whether the winner stays the winner.

    Parameters
    ----------
    winner
        Id of the measure that wins as things stand; empty if none adds anything.
    trials
        All that was tried.
    """

    winner: str
    trials: tuple[Trial, ...]

    def survival_share(self, kind: str | None = None) -> float:
        """
        Share of the seeded errors after which the winner still wins.

        Parameters
        ----------
        kind
            Of this kind only; of all if left out.

        Returns
        -------
        share
            0 to 1; not a number without seeded trials.
        """
        seeded = [trial for trial in self.trials if trial.is_seeded and kind in (None, trial.kind)]
        return sum(trial.winner == self.winner for trial in seeded) / len(seeded) if seeded else float("nan")

    @property
    def is_firm(self) -> bool:
        """Whether the winner survives `HOLDS_SHARE` of the seeded errors of every kind, and every other trial."""
        kinds = {trial.kind for trial in self.trials if trial.is_seeded}
        seeded = all(self.survival_share(kind) >= HOLDS_SHARE for kind in kinds)
        return seeded and all(trial.winner == self.winner for trial in self.trials if not trial.is_seeded)


def worth_per_yuan(menu: Menu) -> dict[str, float]:
    """
    Rider-hours that each measure adds alone, for each yuan.

    Parameters
    ----------
    menu
        The measures.

    Returns
    -------
    worth
        By id.
    """
    worth = (menu.alone / menu.cost_yuan).tolist()
    return {measure.id: value for measure, value in zip(menu.measures, worth, strict=True)}


COUNTS_SHARE = 0.005
"""A measure that adds less than this share of all rider-hours is no first choice, however cheap it is."""


def counting(menu: Menu) -> npt.NDArray[np.bool_]:
    """
    Which measures add enough to be a first choice.

    Parameters
    ----------
    menu
        The measures.

    Returns
    -------
    counts
        For each measure whether it adds `COUNTS_SHARE` of all rider-hours; if none does, whether it adds anything.
    """
    enough = menu.alone >= COUNTS_SHARE * menu.total
    some = menu.alone > 0
    counts: npt.NDArray[np.bool_] = enough & some if (enough & some).any() else some
    return counts


def winner_of(menu: Menu) -> str:
    """
    The measure that adds most for its price, among those that add enough.

    Parameters
    ----------
    menu
        The measures.

    Returns
    -------
    winner
        Its id, the first of equals; empty if none adds anything.
    """
    worth = worth_per_yuan(menu)
    named = [measure.id for measure, counts in zip(menu.measures, counting(menu), strict=True) if counts]
    return max(named, key=lambda one: worth[one], default="")


def compare(kind: str, what: str, menu: Menu, then: Menu, *, is_seeded: bool) -> Trial:
    """
    Hold the ranking of a menu against that under another assumption.

    Parameters
    ----------
    kind
        What was changed.
    what
        How, in words.
    menu
        As things stand.
    then
        As they would be; a measure that is not there then is worth nothing.
    is_seeded
        Whether it is one of many random errors.

    Returns
    -------
    trial
        The winner then, and how far the rankings agree.
    """
    before, after = worth_per_yuan(menu), worth_per_yuan(then)
    agreement = kendall_tau(list(before.values()), [after.get(one, 0.0) for one in before])
    return Trial(kind, what, winner_of(then), agreement, is_seeded)


def vary_weights(weights: Weights, spread: float, seed: int) -> Weights:
    """
    Make each demand point weigh more or less than thought.

    Parameters
    ----------
    weights
        As thought.
    spread
        Greatest change, such as 0.5 for half more or half less.
    seed
        Of the random numbers.

    Returns
    -------
    weights
        Each share times a number evenly drawn from ``1 - spread`` to ``1 + spread``.
    """
    factor = np.random.default_rng(seed).uniform(1 - spread, 1 + spread, len(weights.share))
    return weights._replace(share=weights.share * factor)


def drop_some(count: int, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """
    Which of some things are still there if a share of them is not.

    Parameters
    ----------
    count
        How many there are.
    share
        Share that goes, rounded to whole things, at least one if there are any.
    seed
        Of the random numbers.

    Returns
    -------
    stays
        Shape ``(count,)``.
    """
    stays = np.ones(count, dtype=np.bool_)
    gone = min(count, max(1, round(count * share)))
    stays[np.random.default_rng(seed).permutation(count)[:gone]] = False
    return stays


def kendall_tau(some: npt.ArrayLike, others: npt.ArrayLike) -> float:
    """
    How far two rankings agree: Kendall's tau-b, which allows for ties [1]_.

    Parameters
    ----------
    some, others
        Worth of the same things, shape ``(n,)``.

    Returns
    -------
    tau
        1 if they rank alike, -1 if the other way round; not a number if one of them ranks nothing.

    References
    ----------
    .. [1] M. G. Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945.

    Examples
    --------
    >>> kendall_tau([1, 2, 3], [2, 4, 9]), kendall_tau([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    a, b = np.asarray(some, dtype=np.float64), np.asarray(others, dtype=np.float64)
    upper = np.triu_indices(len(a), 1)
    sign_a = np.sign(a[:, None] - a[None, :])[upper]
    sign_b = np.sign(b[:, None] - b[None, :])[upper]
    whole = np.sqrt(np.count_nonzero(sign_a) * np.count_nonzero(sign_b))
    return float((sign_a @ sign_b) / whole) if whole else float("nan")

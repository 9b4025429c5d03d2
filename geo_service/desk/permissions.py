"""
Who may do what at the desk: one table, and the question it answers.

A verifier is named for places, an editor for layers; what a role may do only there is marked
`Reach.NAMED`. Whatever the table does not grant is refused.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum

from geo_service.errors import ForbiddenError
from geo_service.store.accounts import Account


class Action(StrEnum):
    """What an account does at the desk."""

    LOOK = "look"
    VERIFY = "verify"
    EDIT = "edit"
    IMPORT = "import"
    EXPORT = "export"
    RESTORE = "restore"
    COMPARE = "compare"
    MANAGE = "manage"


class Reach(Enum):
    """How far a grant goes: nowhere, to the places and layers the account is named for, or everywhere."""

    NOWHERE = 0
    NAMED = 1
    EVERYWHERE = 2


_NOWHERE, _NAMED, _ALL = Reach.NOWHERE, Reach.NAMED, Reach.EVERYWHERE

GRANTS: Mapping[Action, Mapping[str, Reach]] = {
    Action.LOOK: {"viewer": _ALL, "verifier": _ALL, "editor": _ALL, "admin": _ALL},
    Action.EXPORT: {"viewer": _ALL, "verifier": _ALL, "editor": _ALL, "admin": _ALL},
    Action.VERIFY: {"viewer": _NOWHERE, "verifier": _NAMED, "editor": _NAMED, "admin": _ALL},
    Action.EDIT: {"viewer": _NOWHERE, "verifier": _NOWHERE, "editor": _NAMED, "admin": _ALL},
    Action.IMPORT: {"viewer": _NOWHERE, "verifier": _NOWHERE, "editor": _NAMED, "admin": _ALL},
    Action.COMPARE: {"viewer": _NOWHERE, "verifier": _NOWHERE, "editor": _NAMED, "admin": _ALL},
    Action.RESTORE: {"viewer": _NOWHERE, "verifier": _NOWHERE, "editor": _NAMED, "admin": _ALL},
    Action.MANAGE: {"viewer": _NOWHERE, "verifier": _NOWHERE, "editor": _NOWHERE, "admin": _ALL},
}
"""The permission table; rows are actions, columns are roles."""


def is_allowed(account: Account, action: Action, layer: str | None = None, place: str | None = None) -> bool:
    """
    Tell whether an account may do something.

    Parameters
    ----------
    account
        Who asks.
    action
        What for.
    layer
        Layer concerned; without one the question is whether the account may do it anywhere.
    place
        Id of the place concerned.

    Returns
    -------
    is_allowed
        Never true of an account that was switched off.
    """
    reach = GRANTS[action].get(account.role, Reach.NOWHERE)
    if not account.is_active or reach is Reach.NOWHERE:
        return False
    if reach is Reach.EVERYWHERE:
        return True
    if layer is None and place is None:
        return bool(account.layers or account.places)
    return layer in account.layers or place in account.places


def check_allowed(
    account: Account, action: Action, layer: str | None = None, place: str | None = None
) -> None:
    """
    Refuse what an account may not do.

    Parameters
    ----------
    account
        Who asks.
    action
        What for.
    layer
        Layer concerned.
    place
        Id of the place concerned.

    Raises
    ------
    ForbiddenError
        If the table does not grant it.
    """
    if is_allowed(account, action, layer, place):
        return
    where = " of ".join(name for name in (place, layer) if name)
    raise ForbiddenError(
        f"{account.name} ({account.role}) may not {action.value}{' ' + where if where else ''}; "
        "ask an admin of the district",
        action=action.value,
        role=account.role,
        layer=layer,
        place=place,
    )

"""Accounts: who may sign in, and what for."""

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from geo_service.desk.accounts import ROLES, change_account, create_account, find_account, first_password
from geo_service.desk.permissions import Action
from geo_service.web.desk.door import go, here_district, page, say_lang, show
from geo_service.web.served import present_time
from geo_service.web.words import words_in


@page("/accounts", Action.MANAGE, ("GET", "POST"))
def accounts(district_id: str) -> ResponseReturnValue:
    """List the accounts; add one with a password that is shown once."""
    store = here_district().store
    if request.method == "POST":
        password = first_password()
        account = create_account(
            store,
            request.form.get("name", ""),
            password,
            request.form.get("role", ""),
            layers=tuple(request.form.getlist("layers")),
            places=_places(),
            at=present_time(),
        )
        return _list((account.name, password))
    return _list()


@page("/accounts/<name>", Action.MANAGE, ("GET", "POST"))
def one_account(district_id: str, name: str) -> ResponseReturnValue:
    """Change what an account may do, switch it off, or give it a new first password."""
    store = here_district().store
    account = find_account(store, name)
    if request.method == "GET":
        return show("account.html", shown=account, roles=ROLES, layers=_layers())
    password = first_password() if request.form.get("new_password") else None
    change_account(
        store,
        name,
        role=request.form.get("role", ""),
        layers=tuple(request.form.getlist("layers")),
        places=_places(),
        is_active=bool(request.form.get("is_active")),
        password=password,
    )
    if password:
        return _list((name, password))
    flash(words_in(say_lang())("desk_saved"))
    return go("accounts")


def _list(fresh: tuple[str, str] | None = None) -> Response:
    """The page of accounts; a first password is on this one answer and nowhere else, no cookie included."""
    accounts = here_district().store.accounts()
    return show("accounts.html", accounts=accounts, roles=ROLES, layers=_layers(), fresh=fresh)


def _layers() -> list[tuple[str, str, str]]:
    catalogue = here_district().catalogue
    return [(key, category.zh, category.en) for key, category in catalogue.items()]


def _places() -> tuple[str, ...]:
    """Ids of places, one on each line or between commas; each must exist."""
    ids = tuple(dict.fromkeys(request.form.get("places", "").replace(",", " ").split()))
    here_district().store.features(ids)
    return ids

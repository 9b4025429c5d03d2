"""The way into the desk over HTTP: signing in, and what each page demands of whom."""

import html
import itertools
import re
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from geo_service.desk.accounts import IDLE_LIFE, create_account, hash_password
from geo_service.desk.permissions import GRANTS, Reach
from geo_service.districts import open_district
from geo_service.hours import SHANGHAI
from geo_service.layers import Edit
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.web import create_app
from geo_service.web.codes import draw_code
from geo_service.web.desk import demands

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=SHANGHAI)
WORD = "correct horse battery"
FORM = {"layer": "toilet", "id": "xhy-toilet-001"}
ROLES = ("viewer", "verifier", "editor", "admin")


HOSTS = itertools.count(1)


class Desk:
    """One browser at the desk of a district."""

    def __init__(self, app, district_id):
        self.client, self.root = app.test_client(), f"/{district_id}/desk"
        self.client.environ_base["REMOTE_ADDR"] = f"2001:db8::{next(HOSTS):x}"  # tries are counted by address

    def get(self, path, **options):
        return self.client.get(self.root + path, **options)

    def token(self, path="/sign-in"):
        return re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)[1]

    def post(self, path, form=None, token_from="/sign-in", **options):
        return self.client.post(
            self.root + path, data={"csrf_token": self.token(token_from)} | (form or {}), **options
        )

    def sign_in(self, name, password=WORD, **form):
        return self.post("/sign-in", {"name": name, "password": password} | form)


@pytest.fixture(scope="module")
def district(demo_directory, tmp_path_factory):
    """A district with an account for each role, made once: hashing is slow on purpose."""
    directory = tmp_path_factory.mktemp("desk") / "xiangheyuan"
    shutil.copytree(demo_directory, directory)
    opened = open_district(directory)
    for role in ROLES:
        account = Account(
            role, hash_password(WORD), role, NOON, layers=("toilet",), places=("xhy-station-001",)
        )
        opened.store.put_account(account)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ticking():
    return [NOON]


@pytest.fixture(scope="module")
def app(district, ticking):
    return create_app({district.id: district}, Settings(), clock=lambda: ticking[0])


@pytest.fixture
def clock(ticking):
    ticking[0] = NOON
    yield ticking
    ticking[0] = NOON


@pytest.fixture
def browser_of(app, district):
    def sign_in_as(role=None):
        desk = Desk(app, district.id)
        if role:
            assert desk.sign_in(role).status_code == 303
        return desk

    return sign_in_as


def test_the_desk_is_closed_to_strangers_and_leads_them_to_the_sign_in(browser_of, district):
    answer = browser_of().get("/")
    assert answer.status_code == 303
    assert answer.location == f"/{district.id}/desk/sign-in?next=/{district.id}/desk/"


def test_who_signs_in_gets_to_the_page_that_was_asked_for(browser_of, district):
    desk = browser_of()
    answer = desk.sign_in("viewer", next=f"/{district.id}/desk/?lang=en")
    assert (answer.status_code, answer.location) == (303, f"/{district.id}/desk/?lang=en")
    page = desk.get("/?lang=en")
    assert page.status_code == 200
    assert "Overview" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_language_once_chosen_stays_chosen_also_after_signing_in_and_out(browser_of, district):
    desk = browser_of()
    assert "Sign in" in desk.get("/sign-in?lang=en").text
    desk.sign_in("viewer")
    page = desk.get("/")
    assert "Overview" in page.text
    assert 'href="?lang=zh"' in page.text
    kept = desk.get("/history?layer=station&amp=1&lang=zh").text
    assert 'href="?layer=station&amp;amp=1&amp;lang=en"' in kept
    assert 'lang="zh-CN"' in desk.get("/").text


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/xiangheyuan/", "/xiangheyuan/desk/\r\nX: y",
     "/xiangheyuan/desk//evil.example", "javascript:alert(1)", ""],
)  # fmt: skip
def test_signing_in_never_leads_off_the_desk(browser_of, district, target):
    assert browser_of().sign_in("viewer", next=target).location == f"/{district.id}/desk/"


def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(browser_of):
    bodies = [
        re.sub(r'value="[^"]+"', "", browser_of().sign_in(name, "wrong wrong wrong").text)
        for name in ("viewer", "nobody")
    ]
    assert bodies[0] == bodies[1]
    assert "账号或密码不对" in bodies[0]


def test_many_wrong_passwords_are_slowed_down_but_the_owner_elsewhere_is_not(browser_of):
    attacker = browser_of()
    statuses = [attacker.sign_in("viewer", "wrong wrong wrong").status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    elsewhere = browser_of()
    elsewhere.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert elsewhere.sign_in("viewer").status_code == 303


def test_a_form_without_its_token_is_refused(browser_of):
    desk = browser_of("viewer")
    answer = desk.client.post(desk.root + "/sign-out")
    assert answer.status_code == 403
    assert desk.get("/").status_code == 200


def test_the_cookie_is_kept_from_scripts_and_bound_to_https_where_there_is_https(browser_of):
    plain = browser_of().sign_in("viewer").headers["Set-Cookie"]
    assert plain.startswith("desk=")
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    desk = browser_of()
    base = "https://localhost"
    token = re.search(r'csrf_token" value="([^"]+)"', desk.get("/sign-in", base_url=base).text)[1]
    form = {"csrf_token": token, "name": "viewer", "password": WORD}
    secure = desk.client.post(desk.root + "/sign-in", data=form, base_url=base).headers["Set-Cookie"]
    assert secure.startswith("__Host-desk=")
    assert "Secure" in secure


def test_signing_out_ends_the_session_for_a_copied_cookie_too(browser_of):
    desk = browser_of("viewer")
    cookie = desk.client.get_cookie("desk").value
    assert desk.post("/sign-out", token_from="/").status_code == 303
    desk.client.set_cookie("desk", cookie)
    assert desk.get("/").status_code == 303


def test_a_session_ends_after_its_time(browser_of, clock):
    desk = browser_of("viewer")
    clock[0] = NOON + IDLE_LIFE
    assert desk.get("/").status_code == 303


def test_a_password_that_someone_else_set_must_be_changed_first(browser_of, district):
    create_account(district.store, "new", WORD, "viewer", at=NOON)
    desk = browser_of("new")
    assert desk.get("/").location == f"/{district.id}/desk/password"
    answer = desk.post("/password", {"old": WORD, "new": "another good one"}, token_from="/password")
    assert answer.location == f"/{district.id}/desk/"
    assert desk.get("/").status_code == 200


def test_pages_of_riders_set_no_cookie(browser_of, district):
    answer = browser_of().client.get(f"/{district.id}/")
    assert "Set-Cookie" not in answer.headers


def desk_rules(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("desk.")]


def test_every_page_of_the_desk_says_what_it_demands(app):
    assert {rule.endpoint for rule in desk_rules(app)} == set(demands())


@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_open_to_those_roles_that_the_table_grants_it(app, browser_of, district, role):
    desk = browser_of(role)
    token = desk.token("/")
    for rule in desk_rules(app):
        action = demands()[rule.endpoint]
        if action is None:
            continue
        values = dict.fromkeys(rule.arguments, "xhy-toilet-001") | {"district_id": district.id}
        path = rule.build(values)[1]
        is_granted = GRANTS[action][role] is not Reach.NOWHERE
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = desk.client.open(
                path, method=method, data=FORM | {"csrf_token": token} if method == "POST" else None
            )
            assert (answer.status_code != 403) == is_granted, (role, method, path, answer.status_code)
            assert answer.status_code < 500


def test_every_page_is_closed_to_strangers_whatever_the_method(app, browser_of, district):
    desk = browser_of()
    token = desk.token()
    for rule in desk_rules(app):
        if rule.endpoint == "desk.sign_in_page":
            continue
        values = dict.fromkeys(rule.arguments, "xhy-toilet-001") | {"district_id": district.id}
        path = rule.build(values)[1]
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = desk.client.open(
                path, method=method, data=FORM | {"csrf_token": token} if method == "POST" else None
            )
            assert answer.status_code == (303 if method == "GET" else 401), (method, path)


# -- accounts and history ----------------------------------------------------------------------------------


def test_an_admin_makes_an_account_whose_first_password_is_shown_once(browser_of, district):
    desk = browser_of("admin")
    answer = desk.post(
        "/accounts", {"name": "zhao", "role": "editor", "layers": "toilet"}, token_from="/accounts"
    )
    password = re.search(r"zhao[^<]*：([a-z]+(?:-[a-z]+){3}-[0-9]{6})", answer.text)[1]
    assert password not in desk.get("/accounts").text
    assert "Set-Cookie" not in answer.headers
    assert browser_of().sign_in("zhao", password).status_code == 303
    assert district.store.account("zhao").layers == ("toilet",)


def test_a_verifier_can_be_named_for_places_that_exist_only(browser_of):
    form = {"name": "qian", "role": "verifier", "places": "xhy-station-001 nowhere"}
    assert browser_of("admin").post("/accounts", form, token_from="/accounts").status_code == 404


def edit_toilet(district, **fields):
    (toilet,) = district.store.features(["xhy-toilet-002"])
    edit = Edit("toilet", toilet.id, None, toilet, replace(toilet, **fields))
    return district.store.apply([edit], actor="clerk", role="editor", source="test", at=NOON)


def test_the_history_sets_both_values_side_by_side(browser_of, district):
    edit_toilet(district, phone="010-1234", name="<script>alert(1)</script>")
    text = browser_of("viewer").get("/history?id=xhy-toilet-002").text
    assert "010-1234" in text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "恢复到此" not in text


def test_an_editor_undoes_a_change_and_what_others_changed_since_stays(browser_of, district):
    edit_toilet(district, phone="010-1234")
    applied = edit_toilet(district, phone="010-5555")
    edit_toilet(district, host_type="公园")
    desk = browser_of("editor")
    answer = desk.post("/history/undo", {"change": applied.change_id}, token_from="/history")
    assert answer.status_code == 303
    (toilet,) = district.store.features(["xhy-toilet-002"])
    assert (toilet.phone, toilet.host_type) == ("010-1234", "公园")
    assert "公园" in (district.directory / "layers" / "toilet.geojson").read_text(encoding="utf-8")


def test_an_editor_restores_a_place_of_the_own_layers_only(browser_of, district):
    version = edit_toilet(district, phone="010-7777").versions["toilet"]
    edit_toilet(district, phone="010-8888")
    desk = browser_of("editor")
    form = {"layer": "toilet", "id": "xhy-toilet-002", "version": version}
    assert desk.post("/history/restore", form, token_from="/history").status_code == 303
    assert district.store.features(["xhy-toilet-002"])[0].phone == "010-7777"
    form = {"layer": "station", "id": "xhy-station-002", "version": 1}
    assert desk.post("/history/restore", form, token_from="/history").status_code == 403


# -- checks and what is said on the spot -------------------------------------------------------------------


def asked(page):
    """What the page asks: id and kind."""
    form = page.text.partition('class="thumbs"')[2]
    return re.search(r'name="id" value="([^"]+)"', form)[1], re.search(r'name="kind" value="([^"]+)"', form)[
        1
    ]


def test_a_verifier_is_asked_about_the_own_place_and_one_thumb_answers(browser_of, district):
    desk = browser_of("verifier")
    while 'class="thumbs"' in (page := desk.get("/rota")).text:
        place_id, kind = asked(page)
        assert place_id == "xhy-station-001" or place_id.startswith("xhy-toilet")
        form = {"id": place_id, "kind": kind, "answer": "right"}
        assert desk.post("/rota/answer", form, token_from="/rota").status_code == 303
        checked = district.store.features([place_id])[0].provenance.checked[kind]
        assert (checked.on.isoformat(), checked.role) == ("2026-11-18", "verifier")
    assert "没有到期的核查" in page.text


def test_a_verifier_may_not_answer_for_another_place(browser_of, district):
    before = district.store.features(["xhy-station-002"])[0]
    form = {"id": "xhy-station-002", "kind": "hours", "answer": "right"}
    assert browser_of("verifier").post("/rota/answer", form, token_from="/rota").status_code == 403
    assert district.store.features(["xhy-station-002"])[0] == before


def test_a_skipped_question_makes_room_for_the_next(browser_of):
    desk = browser_of("admin")
    first = asked(desk.get("/rota"))
    assert asked(desk.get(f"/rota?skip={first[0]}/{first[1]}")) != first


def test_what_a_rider_says_waits_for_who_may_settle_it(browser_of, app, district):
    rider = app.test_client()
    for _ in range(2):
        answer = rider.post("/xiangheyuan/p/xhy-station-001/say", data={"claim": "shut_now"})
        assert answer.status_code == 200
    assert "2 次反馈" in browser_of("verifier").get("/rota").text
    assert "2 次反馈" not in browser_of("viewer").get("/").text
    form = {"id": "xhy-station-001"}
    assert browser_of("verifier").post("/rota/settle", form, token_from="/rota").status_code == 303
    assert "反馈“现在关着”" not in browser_of("verifier").get("/rota").text


def test_a_server_whose_store_was_moved_away_says_so_and_is_no_server_error(own_district):
    with closing(open_district(own_district)) as district:
        app = create_app({district.id: district}, Settings(), clock=lambda: NOON)
        rider, say = app.test_client(), "/xiangheyuan/p/xhy-station-001/say"
        assert rider.post(say, data={"claim": "shut_now"}).status_code == 200
        with district.store.writing() as link:
            link.run("INSERT INTO notes (key, value) VALUES (?, ?)", ("store.moved", '"elsewhere"'))
        answer = rider.post(say, data={"claim": "shut_now"})
        # a server that is asked for the first time learns it when it opens the session, before it looks for a page
        first = create_app({district.id: district}, Settings(), clock=lambda: NOON).test_client()
        page = first.get("/xiangheyuan/desk/sign-in")
    for one in (answer, page):
        assert one.status_code == 503
        assert "this server must be started again" in one.text


def test_a_rider_who_says_still_right_dates_the_check(app, district):
    answer = app.test_client().post(
        "/xiangheyuan/p/xhy-station-003/say", data={"claim": "right"}, headers={"Accept": "application/json"}
    )
    assert answer.json == {"id": "xhy-station-003", "claim": "right", "counted": True}
    checked = district.store.features(["xhy-station-003"])[0].provenance.checked["existence"]
    assert (checked.on.isoformat(), checked.role) == ("2026-11-18", "rider")


@pytest.mark.parametrize(
    ("path", "form", "headers", "status"),
    [
        ("/xiangheyuan/p/xhy-station-001/say", {"claim": "smelly"}, {}, 400),
        ("/xiangheyuan/p/xhy-station-001/say", {}, {}, 400),
        ("/xiangheyuan/p/nowhere/say", {"claim": "shut_now"}, {}, 404),
        ("/nowhere/p/xhy-station-001/say", {"claim": "shut_now"}, {}, 404),
        ("/xiangheyuan/p/xhy-station-001/say", {"claim": "shut_now"}, {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_what_is_said_wrongly_or_from_another_site_changes_nothing(
    app, district, path, form, headers, status
):
    before = district.store.notes("doubt/")
    assert app.test_client().post(path, data=form, headers=headers).status_code == status
    assert district.store.notes("doubt/") == before


def test_one_address_is_heard_so_often_an_hour_and_no_oftener(app):
    rider = app.test_client()
    rider.environ_base["REMOTE_ADDR"] = "192.0.2.99"
    path = "/xiangheyuan/p/xhy-station-004/say"
    statuses = [rider.post(path, data={"claim": "shut_now"}).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]


def test_who_holds_the_code_of_a_place_checks_it_without_an_account(browser_of, app, district, clock):
    clock[0] = NOON + timedelta(days=200)  # by then something is due
    page = browser_of("admin").get("/codes").text
    path = re.search(r'href="(/xiangheyuan/check/[^"]+/xhy-station-005)"', page)[1]
    assert str(draw_code(f"http://localhost{path}")) in page  # to be printed and hung up inside
    visitor = app.test_client()
    text = visitor.get(path).text
    kind = re.search(r'name="kind" value="([^"]+)"', text)[1]
    assert "谢谢" in visitor.post(path, data={"kind": kind, "answer": "right"}).text
    assert district.store.features(["xhy-station-005"])[0].provenance.checked[kind].role == "station"
    assert "Set-Cookie" not in visitor.get(path).headers
    other = path.replace("xhy-station-005", "xhy-station-006")
    assert visitor.get(other).status_code == 404
    browser_of("admin").post("/codes", {"id": "xhy-station-005"}, token_from="/codes")
    assert visitor.get(path).status_code == 404


# -- papers ------------------------------------------------------------------------------------------------


def test_the_sheet_holds_every_station_with_its_hours_and_a_code_for_each_and_one_for_all(
    browser_of, district
):
    text = browser_of("viewer").get("/sheet").text
    stations = district.store.layer("station").features
    assert all(html.escape(station.name) in text for station in stations)
    assert text.count('class="qr"') == len(stations) + 1
    assert "演示数据" in text


def test_a_poster_says_the_address_that_never_changes(district):
    settings = Settings(public_url="https://map.example.cn/")
    app = create_app({district.id: district}, settings, clock=lambda: NOON)
    desk = Desk(app, district.id)
    desk.sign_in("viewer")
    assert (
        "<code>https://map.example.cn/xiangheyuan/#here=xhy-station-001</code>"
        in desk.get("/poster/xhy-station-001").text
    )


def test_every_offered_export_leads_to_a_file(browser_of, district):
    desk = browser_of("viewer")
    page = desk.get("/exports").text
    formats = re.findall(r'<option value="([a-z0-9]+)">\1 ·', page)
    assert {"geojson", "csv", "xlsx", "kml", "gpx"} <= set(formats)
    for name in formats:
        answer = desk.client.get(f"/api/v1/districts/{district.id}/places?layer=toilet&f={name}&datum=wgs84")
        assert answer.status_code == 200, (name, answer.text[:200])


def test_stations_are_held_to_a_standard_and_unknown_ones_are_refused(browser_of):
    desk = browser_of("viewer")
    assert "缺" in desk.get("/standards?standard=union-2023").text
    assert desk.get("/standards?standard=nine").status_code == 400

"""The planner's pages over HTTP: what stands, what is tried, what is kept, what takes long."""

import html
import io
import json
import re
import shutil
import time
from dataclasses import replace
from datetime import date

import numpy as np
import openpyxl
import pyogrio
import pytest

from geo_service.desk.accounts import hash_password
from geo_service.districts import open_district
from geo_service.districts.plans.demand import kept_demand, kept_file
from geo_service.districts.plans.planner import Planner
from geo_service.districts.plans.scenarios import MOST_SCENARIOS, find_scenario, list_scenarios
from geo_service.errors import BadDataError
from geo_service.geo import convert_datum
from geo_service.planning.changes import Change
from geo_service.planning.demand import GROUPS
from geo_service.planning.parameters import Need, Parameters, parameters_of
from geo_service.settings import Settings
from geo_service.store.accounts import Account
from geo_service.web import create_app
from geo_service.web.plan.desk import MOST_SENT
from geo_service.web.plan.planners import Kept
from tests.test_desk_door import NOON, WORD
from tests.test_plan_demand import write_raster

HERE = "/xiangheyuan/plan/"
GIVEN = Parameters(Need("station"), date(2026, 11, 23))


@pytest.fixture(scope="module")
def district(demo_directory, tmp_path_factory):
    directory = tmp_path_factory.mktemp("plan-pages") / "xiangheyuan"
    shutil.copytree(demo_directory, directory)
    opened = open_district(directory)
    word = hash_password(WORD)
    for name, role in (("li", "viewer"), ("wang", "editor"), ("zhao", "admin")):
        opened.store.put_account(Account(name, word, role, NOON))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(district):
    return create_app({district.id: district}, Settings(), clock=lambda: NOON)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="module")
def planner(district):
    return Planner(district, GIVEN)


def form_token(page):
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, "this page has no form of ours"
    return found[1]


def signed_in(app, name):
    client = app.test_client()
    token = form_token(client.get("/xiangheyuan/desk/sign-in"))
    form = {"name": name, "password": WORD, "csrf_token": token}
    assert client.post("/xiangheyuan/desk/sign-in", data=form).status_code == 303
    return client


def site(planner, **other):
    lon, lat = planner.district.centre
    return Change("site", lon=lon, lat=lat, name="试放", **other)


def ask(client, given, hour=14):
    return client.post(f"{HERE}what-if.json", json={"parameters": given.to_json(), "hour": hour})


def test_the_page_says_the_numbers_of_the_planner_without_a_script(client, planner):
    clock = planner.clock_json()
    page = client.get(f"{HERE}?week=2026-11-23&lang=zh").text
    assert f"{clock['covered_share'] * 100:.1f}%" in page
    assert page.count(' data-hour="') == 168 + 144  # of the clock, and of riders out by hour
    assert clock["at"]["14:00"]["left_out"][0]["name"] in page


def test_both_languages_are_spoken(client):
    assert "覆盖时钟" in client.get(f"{HERE}?lang=zh").text
    assert "Coverage clock" in client.get(f"{HERE}?lang=en").text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("minutes=x", "minutes"),
        ("week=2026-13-01", "week"),
        ("stations=3", "stations"),
        ("riders=courier:x", "riders"),
        ("changes=%7B%7D", "changes"),
        ("changes=[1]", "change"),
        ("hour=168", "hour"),
        ("profile=car", "profile"),
        ("accept=maybe", "accept"),
        ("minutes=0", "minutes"),
        ("colour=red", "colour"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_its_name(client, query, says):
    answer = client.get(HERE + "?" + query)
    assert answer.status_code == 400
    assert says in answer.text


@pytest.mark.parametrize("query", ["layer=nothing", "layer=community", "also=nothing", "scenario=abc"])
def test_what_is_not_there_is_not_found(client, query):
    assert client.get(HERE + "?" + query).status_code == 404


def test_empty_fields_of_the_form_are_left_out(client):
    page = client.get(f"{HERE}?layer=station&minutes=8&metres=&service=&also=&accept=&stations=1&lang=zh")
    assert page.status_code == 200
    assert "8 分钟内" in page.text


def test_metres_are_asked_for_instead_of_minutes(client, district, planner):
    page = client.get(f"{HERE}?metres=700&lang=zh").text
    assert "700 米内" in page
    given = replace(GIVEN, metres=700.0)
    expected = Planner(district, given, planner.demand).clock_json()
    assert ask(client, given).json["covered_share"] == pytest.approx(expected["covered_share"], abs=2e-6)


def test_presets_lead_to_pages(client):
    page = client.get(f"{HERE}?lang=zh").text
    presets = [html.unescape(one) for one in re.findall(r'class="button quiet" href="(\?[^"]+)"', page)]
    assert len(presets) == 4
    assert "metres=1000" in presets[2]
    assert client.get(HERE + presets[3]).status_code == 200


def test_an_address_and_its_parameters_are_the_same(client):
    changes = json.dumps([{"do": "site", "lon": 116.46, "lat": 39.95, "name": "A"}])
    query = {
        "layer": "station", "service": "hot_water", "also": "toilet,merchant:hot_water", "minutes": "7.5",
        "week": "2026-10-01", "accept": "unknown", "stations": "2", "riders": "courier:20,food:30,driver:10",
        "changes": changes,
    }  # fmt: skip
    held = parameters_of(json.loads(client.get(f"{HERE}download.json", query_string=query).data))
    assert str(held.need) == "station:hot_water"
    assert [str(need) for need in held.also] == ["toilet", "merchant:hot_water"]
    assert (held.minutes, held.stations, held.accept) == (7.5, 2, ("unknown",))
    assert [group.riders for group in held.groups] == [20, 30, 10]
    assert held.changes == (Change("site", lon=116.46, lat=39.95, name="A"),)


def test_a_step_of_a_drag_equals_the_planner(client, planner, district):
    given = replace(GIVEN, changes=(site(planner), Change("close", place=planner.stand.places.places[0].id)))
    answer = ask(client, given)
    expected = Planner(district, given, planner.demand).clock_json()
    assert answer.json["clock"] == pytest.approx(expected["clock"], abs=2e-6)
    assert answer.json["cost_yuan"] == 60_000


def test_numbers_as_a_script_writes_them_are_of_the_planner_that_is_kept(app, client, district):
    held = app.extensions["planners"]
    scripted = parameters_of(json.loads(re.sub(r"\.0(?=[,}\]])", "", json.dumps(GIVEN.to_json()))))
    assert held.what_if(district, scripted) is held.what_if(district, GIVEN)


def test_a_planner_with_changes_knows_which_names_are_of_compounds(app, district, planner):
    held = app.extensions["planners"]
    changed = held.changed(district, replace(GIVEN, changes=(site(planner),)))
    assert (changed.is_named == planner.is_named).all()
    assert not planner.is_named.all()
    assert held.demand(district, None) is held.demand(district, None)


def test_other_riders_count_at_once(client, planner, district):
    couriers = replace(GIVEN, groups=GROUPS[:1])
    expected = Planner(district, couriers, planner.demand).clock_json()
    assert ask(client, couriers).json["covered_share"] == pytest.approx(expected["covered_share"], abs=2e-6)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"parameters": 1}',
        b'{"parameters": {"format": "geo_service plan", "version": 1}}',
        json.dumps({"parameters": GIVEN.to_json(), "hour": "x"}).encode(),
        json.dumps({"parameters": GIVEN.to_json(), "hour": 999}).encode(),
        json.dumps(
            {"parameters": GIVEN.to_json() | {"changes": [{"do": "close", "place": "gone"}]}}
        ).encode(),
        json.dumps({"parameters": GIVEN.to_json() | {"changes": [{"do": "close"}] * 51}}).encode(),
        json.dumps({"parameters": GIVEN.to_json(), "more": "x" * 200_001}).encode(),
    ],
)
def test_a_step_that_makes_no_sense_is_a_problem(client, body):
    answer = client.post(f"{HERE}what-if.json", data=body)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_points_come_in_the_order_of_the_bits(client, planner):
    held = client.get(f"{HERE}points.json").json
    assert len(held["lon_e6"]) == len(planner.demand)
    assert sum(held["lon_e6"]) == round(planner.demand.lonlat[-1, 0] * 1e6)


def test_candidates_are_those_of_the_planner(client, planner):
    rows = client.get(f"{HERE}candidates.json").json["rows"]
    assert [row[0] for row in rows] == [one.id for one in planner.candidates]


def test_an_hour_on_the_streets_follows_the_changes(client, planner):
    asked = {"hour": 14, "part": "catchments"}
    names = []
    for changes in ((), (site(planner),)):
        given = replace(GIVEN, changes=changes).to_json()
        drawn = client.post(f"{HERE}areas.json", json=asked | {"parameters": given}).json
        names.append({feature["properties"]["name"] for feature in drawn["features"]})
    assert names[1] - names[0] == {"试放"}
    assert (
        client.post(
            f"{HERE}areas.json", json=asked | {"parameters": GIVEN.to_json(), "part": "x"}
        ).status_code
        == 400
    )


def test_tables_and_maps_are_handed_out(client, planner):
    sheets = openpyxl.load_workbook(io.BytesIO(client.get(f"{HERE}download.xlsx").data)).sheetnames
    assert len(sheets) == 5
    rows = client.get(f"{HERE}download.csv?table=clock&week=2026-11-23").data.decode("utf-8-sig").splitlines()
    assert len(rows) == 169
    drawn = client.get(f"{HERE}download.geojson").json
    assert len(drawn["features"]) == len(planner.demand) + len(planner.stand.places.places)
    for form in ("csv?table=x", "docx"):
        assert client.get(f"{HERE}download.{form}").status_code == 400


@pytest.mark.slow
def test_the_geopackage_holds_demand_and_places(client, planner, tmp_path):
    path = tmp_path / "plan.gpkg"
    path.write_bytes(client.get(f"{HERE}download.gpkg").data)
    layers = {name: pyogrio.read_info(path, layer=name)["features"] for name, _ in pyogrio.list_layers(path)}
    assert layers == {"plan_demand": len(planner.demand), "plan_places": len(planner.stand.places.places)}


def test_what_was_tried_is_handed_out_whole(client, planner):
    given = replace(GIVEN, changes=(site(planner),), groups=GROUPS[:1])
    form = {"parameters": json.dumps(given.to_json()), "hour": "26"}
    held = client.post(f"{HERE}download", data=form | {"form": "json"}).data
    assert parameters_of(json.loads(held)) == given
    places = client.post(f"{HERE}download", data=form | {"form": "csv:places"}).data.decode("utf-8-sig")
    assert "试放" in places
    assert client.post(f"{HERE}download", data=form | {"form": "csv", "hour": "x"}).status_code == 400


def test_a_parameter_file_is_shown_again(client, planner):
    given = replace(GIVEN, minutes=8.0, changes=(site(planner),))
    file = (io.BytesIO(json.dumps(given.to_json()).encode()), "plan.json")
    page = client.post(HERE, data={"file": file}).text
    assert "试放" in page
    assert client.post(HERE, data={}).status_code == 400
    assert client.post(HERE, data={"file": (io.BytesIO(b"not json"), "x.json")}).status_code == 400


def test_forms_of_other_sites_are_refused(client):
    answer = client.post(f"{HERE}jobs", data={"kind": "sites"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


# -- scenarios --------------------------------------------------------------------------------------


def keep(client, name, given):
    page = client.get(f"{HERE}?lang=zh")
    form = {"name": name, "parameters": json.dumps(given.to_json()), "csrf_token": form_token(page)}
    return client.post(f"{HERE}scenarios", data=form)


def test_scenarios_are_kept_shared_compared_and_removed(app, client, district, planner):
    li = signed_in(app, "li")
    one = keep(li, "放在桥头", replace(GIVEN, changes=(site(planner),)))
    two = keep(
        li, "关一处", replace(GIVEN, changes=(Change("close", place=planner.stand.places.places[0].id),))
    )
    assert (one.status_code, two.status_code) == (303, 303)
    ids = [kept.id for kept in list_scenarios(district)]
    assert "放在桥头" in client.get(one.headers["Location"]).text
    held = parameters_of(client.get(f"{HERE}scenarios/{ids[1]}.json").json)
    assert {change.do for change in held.changes} <= {"site", "close"}
    table = client.get(f"{HERE}scenarios?ids={','.join(ids)}&lang=zh").text
    assert "60,000" in table
    rows = (
        client.get(f"{HERE}scenarios/compare.csv?ids={','.join(ids)}").data.decode("utf-8-sig").splitlines()
    )
    assert len(rows) == 8
    assert len(rows[1].split(",")) == 2 + 3 * 2
    assert client.get(f"{HERE}scenarios/compare.xlsx?ids={ids[0]}").status_code == 200
    wang, zhao = signed_in(app, "wang"), signed_in(app, "zhao")
    token = form_token(zhao.get(f"{HERE}scenarios"))
    assert zhao.post(f"{HERE}scenarios/{ids[0]}/remove", data={"csrf_token": token}).status_code == 303
    wangs = {"csrf_token": form_token(wang.get(f"{HERE}"))}
    assert wang.post(f"{HERE}scenarios/{ids[1]}/remove", data=wangs).status_code == 403
    assert [kept.id for kept in list_scenarios(district)] == ids[1:]


def test_who_is_not_signed_in_keeps_nothing(client, district):
    before = list_scenarios(district)
    assert client.post(f"{HERE}scenarios", data={"name": "x"}).status_code == 403
    assert list_scenarios(district) == before


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\u202eb"])
def test_a_name_that_cannot_be_shown_is_refused(app, name):
    assert keep(signed_in(app, "li"), name, GIVEN).status_code == 400


def test_what_cannot_be_asked_is_not_kept(app, district):
    before = list_scenarios(district)
    gone = replace(GIVEN, changes=(Change("close", place="gone"),))
    assert keep(signed_in(app, "li"), "x", gone).status_code == 400
    assert list_scenarios(district) == before


def test_a_district_keeps_so_many_scenarios(app, district):
    folder = district.directory / "scenarios"
    folder.mkdir(exist_ok=True)
    fillers = [folder / f"{number:012x}.json" for number in range(MOST_SCENARIOS)]
    for path in fillers:
        path.write_text("{}")
    assert keep(signed_in(app, "li"), "x", GIVEN).status_code == 400
    for path in fillers:
        path.unlink()


def test_a_damaged_scenario_is_left_out_of_the_list_and_said_when_it_is_opened(client, district):
    folder = district.directory / "scenarios"
    folder.mkdir(exist_ok=True)
    path = folder / "0123456789ab.json"
    path.write_text('{"name": 1}')
    assert "0123456789ab" not in [kept.id for kept in list_scenarios(district)]
    with pytest.raises(BadDataError, match="0123456789ab"):
        find_scenario(district, "0123456789ab")
    path.unlink()


# -- what takes long --------------------------------------------------------------------------------


def done(client, address):
    for _ in range(600):
        state = client.get(f"{address}.json").json["state"]
        if state and ("result" in state or "refused" in state):
            return state
        time.sleep(0.1)
    raise AssertionError("the work did not end")


def begin(client, **form):
    answer = client.post(f"{HERE}jobs", data={"parameters": json.dumps(GIVEN.to_json()), **form})
    assert answer.status_code == 303
    return answer.headers["Location"].partition("?")[0]


@pytest.mark.slow
def test_new_sites_are_chosen_as_the_planner_chooses_and_the_same_question_has_the_same_link(client, planner):
    address = begin(client, kind="sites", add="2")
    result = done(client, address)["result"]
    expected = planner.site_json(2)
    assert result["best"]["added"] == expected["added"]
    assert [step["id"] for step in result["best"]["steps"]] == [step["id"] for step in expected["steps"]]
    assert len(result["curve"]["steps"]) == 20
    assert begin(client, kind="sites", add="2") == address
    page = client.get(f"{address}?lang=zh").text
    assert "精确解" in page
    assert "<svg" in page
    rows = client.get(f"{address}/table.csv").data.decode("utf-8-sig").splitlines()
    assert len(rows) == 3
    assert client.get(f"{address}/table.xlsx").status_code == 200
    assert client.get(f"{address}/case.docx").status_code == 404


@pytest.mark.slow
def test_what_was_chosen_can_be_tried_on_the_map(client):
    address = begin(client, kind="sites", add="2")
    result = done(client, address)["result"]
    changes = [step["change"] for step in result["best"]["steps"]]
    tried = ask(client, replace(GIVEN, changes=tuple(Change(**change) for change in changes))).json
    assert tried["covered_share"] == pytest.approx(result["best"]["covered_share"], abs=1e-4)


@pytest.mark.slow
def test_the_case_is_written_and_says_whether_it_is_true(client):
    address = begin(client, kind="case", budget="100000", seeds="1")
    result = done(client, address)["result"]
    assert result["files"] == ["case.docx", "case.html", "case.xlsx"]
    assert client.get(f"{address}/case.docx").data[:2] == b"PK"
    assert "attachment" in client.get(f"{address}/case.html").headers["Content-Disposition"]
    assert result["says"]["zh"] in client.get(f"{address}?lang=zh").text


@pytest.mark.slow
def test_work_that_is_stopped_says_so_and_can_be_begun_again(client):
    address = begin(client, kind="sensitivity", seeds="50")
    assert client.post(f"{address}/stop").status_code == 303
    result = done(client, address)["result"]
    assert len(result["trials"]) < 100
    assert "提前停止" in client.get(f"{address}?lang=zh").text
    assert begin(client, kind="sensitivity", seeds="50") == address
    client.post(f"{address}/stop")
    done(client, address)


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "x"},
        {"kind": "sites", "add": "0"},
        {"kind": "measures", "budget": "-1"},
        {"kind": "case", "seeds": "51"},
    ],
)
def test_work_that_makes_no_sense_is_not_begun(client, form):
    assert (
        client.post(f"{HERE}jobs", data={"parameters": json.dumps(GIVEN.to_json()), **form}).status_code
        == 400
    )


@pytest.mark.parametrize("name", ["x", "0" * 24, "../../store"])
def test_a_result_that_is_not_there_is_not_found(client, name):
    assert client.get(f"{HERE}jobs/{name}").status_code == 404


def test_pages_are_reached_from_the_desk(app):
    assert HERE in signed_in(app, "li").get("/xiangheyuan/desk/").text


def test_the_latest_are_kept_and_the_oldest_go():
    kept, made = Kept(2), []
    for key in (1, 2, 1, 3, 1, 2):
        kept.get(key, lambda key=key: made.append(key) or key)
    assert made == [1, 2, 3, 2]


# --- prices and demand of the planner's own -----------------------------------------------------------


def test_prices_of_the_planners_own_travel_in_the_address(client):
    page = client.get(f"{HERE}?week=2026-11-23&site_yuan=90000&gate_yuan=12.5&site_hours=Mo-Fr 08:00-20:00")
    state = json.loads(html.unescape(re.search(r'id="state">(.*?)</script>', page.text, re.DOTALL)[1]))
    given = parameters_of(state["parameters"])
    assert (given.prices.site_yuan, given.prices.gate_yuan, given.prices.hour_yuan) == (90_000, 12.5, 1000)
    assert given.site_hours == "Mo-Fr 08:00-20:00"
    shared = html.unescape(re.search(r'id="share" href="([^"]+)"', page.text)[1])
    assert "site_yuan=90000&gate_yuan=12.5" in shared
    again = json.loads(
        html.unescape(re.search(r'id="state">(.*?)</script>', client.get(HERE + shared).text)[1])
    )
    assert again["parameters"] == state["parameters"]


@pytest.mark.parametrize("words", ["site_yuan=0", "hour_yuan=-1", "gate_yuan=free", "site_hours=sometimes"])
def test_prices_and_hours_that_make_no_sense_are_refused(client, words):
    given = (
        words
        if "site_hours" not in words
        else f"{words}&changes=" + json.dumps([{"do": "site", "lon": 116.442, "lat": 39.957}])
    )
    answer = client.get(f"{HERE}?{given}")
    assert answer.status_code == 400
    assert words.split("=")[1] in answer.text


def test_what_is_tried_goes_on_to_where_next_with_all_that_was_set(client, planner):
    given = replace(GIVEN, changes=(site(planner),), prices=replace(GIVEN.prices, site_yuan=5.0))
    answer = client.post(f"{HERE}next", data={"parameters": json.dumps(given.to_json())})
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    held = html.unescape(re.search(r'name="parameters" value="([^"]+)"', page.text)[1])
    assert parameters_of(json.loads(held)) == given
    own_hours = replace(GROUPS[0], workday=(0.5,) * 24)
    given = replace(given, groups=(own_hours, *GROUPS[1:]))
    page = client.post(f"{HERE}next", data={"parameters": json.dumps(given.to_json())})
    assert page.status_code == 200
    held = html.unescape(re.search(r'name="parameters" value="([^"]+)"', page.text)[1])
    assert parameters_of(json.loads(held)) == given


def bring(client, data, name="own.csv", **other):
    token = form_token(client.get(HERE))
    form = {"csrf_token": token, "parameters": json.dumps(GIVEN.to_json()), "use": "instead"} | other
    return client.post(
        f"{HERE}demand", data=form | {"file": (io.BytesIO(data), name)}, content_type="multipart/form-data"
    )


def own_rows(planner, *, outside=0):
    lonlat = planner.demand.lonlat[:3].tolist()
    rows = [f"{lon},{lat},点{at},{at + 1}" for at, (lon, lat) in enumerate(lonlat)] + ["0,0,海里,9"] * outside
    return "\n".join(["lon,lat,name,size", *rows]).encode()


def test_demand_of_the_planners_own_is_brought_counted_and_worked_on(app, district, planner):
    client = signed_in(app, "li")
    answer = bring(client, own_rows(planner, outside=2), use="instead")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    assert "需求来自文件 own.csv，代替地图推算的需求。" in page.text
    assert "有 2 个点在本区范围之外" in page.text
    state = json.loads(html.unescape(re.search(r'id="state">(.*?)</script>', page.text, re.DOTALL)[1]))
    given = parameters_of(state["parameters"])
    assert given.demand.name == "own.csv"
    # the map's dots are those of the file, and so is what is worked out
    points = client.get(f"{HERE}points.json?demand={given.demand.sha256}&demand_use=instead").get_json()
    assert len(points["kind"]) == 3
    tried = client.post(f"{HERE}what-if.json", json={"parameters": given.to_json(), "hour": 14})
    assert tried.status_code == 200
    alone = Planner(district, given, kept_demand(district, given.demand))
    assert tried.get_json()["covered_share"] == pytest.approx(alone.clock_json()["covered_share"], abs=1e-6)
    back = html.unescape(re.search(r'<a href="([^"]+)">改回地图推算', page.text)[1])
    assert "需求来自文件" not in client.get(HERE + back).text
    # besides, and a scenario of it
    given = replace(given, demand=replace(given.demand, use="besides"))
    points = client.get(f"{HERE}points.json?demand={given.demand.sha256}&demand_use=besides").get_json()
    assert len(points["kind"]) == len(planner.demand) + 3
    form = {"csrf_token": form_token(page), "name": "自带", "parameters": json.dumps(given.to_json())}
    kept = client.post(f"{HERE}scenarios", data=form)
    assert kept.status_code == 303
    assert "加在地图推算之外" in client.get(kept.headers["Location"]).text


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:rasterio")
def test_a_raster_that_is_sent_is_read_in_a_confined_child(app, planner, tmp_path):
    client = signed_in(app, "li")
    raster = write_raster(tmp_path / "pop.tif", planner.district.bbox, np.full((6, 8), 2.0))
    answer = bring(client, raster.read_bytes(), "pop.tif", use="besides")
    assert answer.status_code == 303
    assert "pop.cells.csv" in client.get(answer.headers["Location"]).text
    refused = bring(client, b"II*\0" + bytes(4000), "bad.tif")
    assert refused.status_code == 400
    assert "bad.tif: it cannot be read as GTiff" in html.unescape(refused.text)


def test_a_table_in_the_datum_of_maps_is_kept_as_wgs84(app, district, planner):
    client = signed_in(app, "li")
    shifted = convert_datum(planner.demand.lonlat[:2], "wgs84", "gcj02")
    data = "\n".join(["lon,lat", *(f"{lon},{lat}" for lon, lat in shifted.tolist())]).encode()
    location = bring(client, data, datum="gcj02").headers["Location"]
    sha256 = re.search("demand=([0-9a-f]{64})", location)[1]
    held = kept_file(district, sha256, "instead")
    assert held.name == "own.wgs84.csv"
    np.testing.assert_allclose(kept_demand(district, held).lonlat, planner.demand.lonlat[:2], atol=1e-7)


def test_demand_that_cannot_be_counted_is_refused_and_nothing_is_kept(app, district, planner):
    client = signed_in(app, "li")
    before = sorted(path.name for path in (district.directory / "demand").glob("*"))
    for data, other, said in [
        (b"lon,lat\nx,39.9", {}, "row 2: lon='x'"),
        (own_rows(planner), {"use": "twice"}, "use='twice'"),
        (own_rows(planner), {"datum": "mars"}, "datum='mars'"),
        (own_rows(planner), {"csrf_token": "no"}, "load the page again"),
    ]:
        answer = bring(client, data, **other)
        assert answer.status_code in (400, 403)
        assert said in html.unescape(answer.text)
    assert app.test_client().post(f"{HERE}demand", data={}).status_code == 403
    assert client.get(f"{HERE}?demand={'0' * 64}").status_code == 400
    assert client.get(f"{HERE}?demand=../../x").status_code == 400
    assert sorted(path.name for path in (district.directory / "demand").glob("*")) == before


def test_a_file_of_demand_larger_than_is_read_is_refused(app, district):
    client = signed_in(app, "li")
    kind = "multipart/form-data; boundary=x"
    answer = client.post(f"{HERE}demand", data=b" " * (MOST_SENT + 400_000), content_type=kind)
    assert answer.status_code == 413


def test_a_district_keeps_so_many_files_of_demand(app, district, planner, monkeypatch):
    monkeypatch.setattr("geo_service.districts.plans.demand.MOST_KEPT", 0)
    answer = bring(signed_in(app, "li"), own_rows(planner) + b"\n")
    assert answer.status_code == 400
    assert "files of demand" in answer.text

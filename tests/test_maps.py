"""The map room: folium's shell with local assets, the same each time."""

from pathlib import Path

import folium
import folium.plugins
import pytest
from folium.elements import JSCSSMixin

from geo_service.errors import InvalidInputError
from geo_service.maps import build_shell

BBOX, CENTRE = (116.43, 39.94, 116.47, 39.98), (116.45, 39.96)
STATIC = Path(__file__).resolve().parents[1] / "geo_service" / "web" / "static"


# -- the shell ----------------------------------------------------------------------------------------


def test_a_shell_asks_for_our_own_files_only():
    shell = build_shell(BBOX, CENTRE)
    assert all((STATIC / path).is_file() for path in (*shell.scripts, *shell.styles))


def test_a_shell_brings_no_jquery_and_no_bootstrap():
    shell = build_shell(BBOX, CENTRE)
    assert [path.split("/")[1] for path in shell.scripts] == [
        "leaflet-1.9.4",
        "leaflet.markercluster-1.5.3",
        "protomaps-leaflet-5.1.0",
    ]


def test_no_class_of_folium_points_at_a_foreign_host():
    def family(cls):
        for child in type.__subclasses__(cls):
            yield child
            yield from family(child)

    urls = [
        url
        for cls in family(JSCSSMixin)
        for attribute in ("default_js", "default_css")
        for _, url in getattr(cls, attribute)
    ]
    assert urls
    assert [url for url in urls if "//" in url] == []


def test_a_plain_folium_map_made_elsewhere_stays_local_too():
    html = folium.Map(tiles=None).get_root().render()
    assert "http://" not in html
    assert "https://" not in html


def test_a_shell_is_the_same_each_time():
    assert build_shell(BBOX, CENTRE) == build_shell(BBOX, CENTRE)


def test_building_a_shell_leaves_folium_its_random_names():
    build_shell(BBOX, CENTRE)
    assert folium.Map(tiles=None).get_name() != folium.Map(tiles=None).get_name()


def test_a_shell_s_script_hands_the_map_over_and_carries_no_markup():
    script = build_shell(BBOX, CENTRE).script
    assert "window.districtMap = map_" in script
    assert "<" not in script


def test_the_map_s_element_carries_no_style_attribute():
    assert "style" not in build_shell(BBOX, CENTRE).body_html


@pytest.mark.parametrize("bbox", [(2.0, 0.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)])
def test_an_empty_box_is_refused(bbox):
    with pytest.raises(InvalidInputError, match="shows nothing"):
        build_shell(bbox, (0.5, 0.5))

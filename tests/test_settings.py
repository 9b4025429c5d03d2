"""The environment becomes one frozen value, or a refusal that names the variable."""

import shutil
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from geo_service import settings as settings_module
from geo_service.errors import BadDataError, InvalidInputError
from geo_service.settings import Settings, load_settings, resource_dir, variable_of

CHECKOUT = Path(__file__).resolve().parents[1]


def test_an_empty_environment_gives_the_defaults():
    assert load_settings({}) == Settings()


def test_a_blank_variable_counts_as_not_set():
    assert load_settings({"GEO_SERVICE_PORT": "  ", "GEO_SERVICE_HOST": ""}) == Settings()


def test_every_variable_reaches_its_field():
    environ = {
        "GEO_SERVICE_HOST": "0.0.0.0",
        "GEO_SERVICE_PORT": "80",
        "GEO_SERVICE_TRUSTED_HOSTS": "map.example.cn, .example.org",
        "GEO_SERVICE_LANGUAGE": "EN",
        "GEO_SERVICE_LOG_LEVEL": "Debug",
        "GEO_SERVICE_APP_NAME": "xhy-map",
        "GEO_SERVICE_BAIDU_SRC": "webapp.xhy.map",
        "GEO_SERVICE_TENCENT_KEY": "ABCDE-FGHIJ",
        "GEO_SERVICE_WECHAT_APP_ID": "wx0123456789abcdef",
        "GEO_SERVICE_PUBLIC_URL": "https://map.example.cn",
        "GEO_SERVICE_OVERPASS_URL": "https://overpass.example.cn/api",
        "GEO_SERVICE_NOMINATIM_URL": "http://127.0.0.1:8080/",
        "GEO_SERVICE_HOURS_AGE_DAYS": "30",
        "GEO_SERVICE_EXISTENCE_AGE_DAYS": "90",
        "GEO_SERVICE_CABINET_AGE_DAYS": "2",
    }
    assert set(environ) == {variable_of(field.name) for field in fields(Settings)}
    assert load_settings(environ) == Settings(
        host="0.0.0.0",
        port=80,
        trusted_hosts=("map.example.cn", ".example.org"),
        language="en",
        log_level="debug",
        app_name="xhy-map",
        baidu_src="webapp.xhy.map",
        tencent_key="ABCDE-FGHIJ",
        wechat_app_id="wx0123456789abcdef",
        public_url="https://map.example.cn",
        overpass_url="https://overpass.example.cn/api",
        nominatim_url="http://127.0.0.1:8080/",
        hours_age_days=30,
        existence_age_days=90,
        cabinet_age_days=2,
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GEO_SERVICE_PORT", "0"),
        ("GEO_SERVICE_PORT", "65536"),
        ("GEO_SERVICE_PORT", "8_000"),
        ("GEO_SERVICE_PORT", "８０００"),
        ("GEO_SERVICE_PORT", "tcp://10.0.0.1:80"),
        ("GEO_SERVICE_HOST", "a b"),
        ("GEO_SERVICE_TRUSTED_HOSTS", "a.cn,,b.cn"),
        ("GEO_SERVICE_TRUSTED_HOSTS", "http://a.cn"),
        ("GEO_SERVICE_LANGUAGE", "de"),
        ("GEO_SERVICE_LOG_LEVEL", "loud"),
        ("GEO_SERVICE_APP_NAME", "a&src=b"),
        ("GEO_SERVICE_BAIDU_SRC", "a b"),
        ("GEO_SERVICE_OVERPASS_URL", "overpass.example.cn"),
        ("GEO_SERVICE_NOMINATIM_URL", "file:///etc/passwd"),
        ("GEO_SERVICE_HOURS_AGE_DAYS", "-1"),
        ("GEO_SERVICE_EXISTENCE_AGE_DAYS", "1.5"),
        ("GEO_SERVICE_CABINET_AGE_DAYS", "0"),
    ],
)
def test_a_refusal_names_variable_value_and_what_is_allowed(variable, value):
    with pytest.raises(InvalidInputError) as caught:
        load_settings({variable: value})
    assert variable in caught.value.message
    assert value in caught.value.message
    assert caught.value.facts["parameter"] == variable
    assert str(caught.value.facts["allowed"]) in caught.value.message


def test_a_refused_key_is_not_shown():
    with pytest.raises(InvalidInputError) as caught:
        load_settings({"GEO_SERVICE_TENCENT_KEY": "secret&key"})
    assert "secret" not in repr(caught.value.facts) + caught.value.message


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        load_settings({}).port = 1  # type: ignore[misc]


def test_every_field_has_a_rule():
    assert set(settings_module._RULES) == {field.name for field in fields(Settings)}


def test_in_a_checkout_resources_are_the_checkouts_folders():
    assert resource_dir("templates") == CHECKOUT / "templates"
    assert resource_dir("data/geojson") == CHECKOUT / "data" / "geojson"


def test_the_packages_own_folder_comes_before_the_checkouts(tmp_path):
    package = tmp_path / "geo_service"
    (package / "templates").mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    assert settings_module._find_resource("templates", package) == package / "templates"


@pytest.mark.parametrize("pyproject", [None, '[project]\nname = "other"\n', "not toml ["])
def test_a_folder_beside_the_package_is_not_taken_from_a_strangers_project(tmp_path, pyproject):
    (tmp_path / "geo_service").mkdir()
    (tmp_path / "templates").mkdir()
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    with pytest.raises(BadDataError, match="templates"):
        settings_module._find_resource("templates", tmp_path / "geo_service")

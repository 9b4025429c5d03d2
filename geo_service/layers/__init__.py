"""
Layers of places and areas: the place model, the catalogue of categories, GeoJSON in and out.

``docs/guide/layers.md`` shows the model as a table.
"""

from geo_service.layers.areas import areas_of, to_shape
from geo_service.layers.catalogue import CATALOGUE, Catalogue, Category, Words, catalogue_with
from geo_service.layers.geojson import (
    check_features,
    dump_layer,
    feature_from_json,
    feature_to_json,
    load_feature,
    parse_layer,
)
from geo_service.layers.merge import (
    ORDERS,
    Conflict,
    Difference,
    changed_fields,
    contested_fields,
    differences,
    edits_between,
    field_values,
    merge_features,
    with_fields,
)
from geo_service.layers.model import (
    SYNTHETIC,
    Access,
    AccessMethod,
    Area,
    Checked,
    Edit,
    Feature,
    Inspection,
    Layer,
    Listing,
    Place,
    Power,
    Provenance,
    Service,
    Status,
    is_active,
)
from geo_service.layers.rules import CHECK_KINDS, FIELDS
from geo_service.layers.strict_json import read_json

__all__ = [
    "CATALOGUE",
    "CHECK_KINDS",
    "FIELDS",
    "ORDERS",
    "SYNTHETIC",
    "Access",
    "AccessMethod",
    "Area",
    "Catalogue",
    "Category",
    "Checked",
    "Conflict",
    "Difference",
    "Edit",
    "Feature",
    "Inspection",
    "Layer",
    "Listing",
    "Place",
    "Power",
    "Provenance",
    "Service",
    "Status",
    "Words",
    "areas_of",
    "catalogue_with",
    "changed_fields",
    "check_features",
    "contested_fields",
    "differences",
    "dump_layer",
    "edits_between",
    "feature_from_json",
    "feature_to_json",
    "field_values",
    "is_active",
    "load_feature",
    "merge_features",
    "parse_layer",
    "read_json",
    "to_shape",
    "with_fields",
]

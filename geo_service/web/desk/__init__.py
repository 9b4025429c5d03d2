"""The desk: pages for those who keep the layers true. Importing it registers its pages."""

from geo_service.web.desk import (  # noqa: F401  each registers its pages
    history,
    intake,
    intake_change,
    intake_datum,
    overview,
    papers,
    people,
    places,
    rota,
    twins,
    unplaced,
    vendor,
)
from geo_service.web.desk.door import demands, open_desk

__all__ = ["demands", "open_desk"]

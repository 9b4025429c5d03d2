"""What stands where: the desk's first page, one row per layer and what waits."""

from flask.typing import ResponseReturnValue

from geo_service.desk.doubts import standing_doubts
from geo_service.desk.permissions import Action
from geo_service.web.desk.door import here_district, page, show


@page("/", Action.LOOK)
def overview(district_id: str) -> ResponseReturnValue:
    """List the layers with their counts, and the latest changes."""
    district = here_district()
    rows = [
        (district.catalogue[info.name], info)
        for info in district.store.layers()
        if info.name in district.catalogue
    ]
    return show(
        "overview.html",
        rows=rows,
        changes=district.store.history(limit=12),
        n_doubts=sum(map(len, standing_doubts(district.store).values())),
    )

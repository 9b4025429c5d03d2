"""The planner's desk: pages for who asks why here, why not longer hours, and what if. Importing it registers them."""

from geo_service.web.plan import (  # noqa: F401  each registers its pages
    desk,
    downloads,
    kept,
    work,
)
from geo_service.web.plan.door import plan

__all__ = ["plan"]

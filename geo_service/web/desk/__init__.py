"""The desk: pages for those who keep the layers true. Importing it registers its pages."""

from geo_service.web.desk import overview  # noqa: F401  registers its page
from geo_service.web.desk.door import demands, open_desk

__all__ = ["demands", "open_desk"]

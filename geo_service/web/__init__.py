"""The server's pages and its API: `create_app` builds the application, `serve` runs it."""

from geo_service.web.app import create_app
from geo_service.web.server import serve

__all__ = ["create_app", "serve"]

"""
A friendly-services map for couriers and riders, and the engine behind it.

``import geo_service`` is light: what is heavy is loaded by the first call that needs it.
"""

__version__ = "0.1.0"

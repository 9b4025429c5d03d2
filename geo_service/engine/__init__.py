"""
Shortest ways over a network: numbers in, numbers out.

The door is ``geo_service.engine.router``; everything beside it is private to this room.
"""

"""The datum formulas as they are published, one point at a time: slow, obvious, kept for good."""

from math import atan2, cos, pi, sin, sqrt

A, EE, K = 6378245.0, 0.00669342162296594323, 3000.0 * pi / 180.0


def gcj_from_wgs(lon: float, lat: float) -> tuple[float, float]:
    """Thirteen sines, as every program on the web writes them."""
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * sin(6.0 * pi * x) + 20.0 * sin(2.0 * pi * x)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + common
    north_m += (20.0 * sin(pi * y) + 40.0 * sin(pi * y / 3.0)) * 2.0 / 3.0
    north_m += (160.0 * sin(pi * y / 12.0) + 320.0 * sin(pi * y / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + common
    east_m += (20.0 * sin(pi * x) + 40.0 * sin(pi * x / 3.0)) * 2.0 / 3.0
    east_m += (150.0 * sin(pi * x / 12.0) + 300.0 * sin(pi * x / 30.0)) * 2.0 / 3.0
    phi = lat * pi / 180.0
    m = 1.0 - EE * sin(phi) ** 2
    gcj_lat = lat + north_m * 180.0 / (pi * A * (1.0 - EE) / m**1.5)
    gcj_lon = lon + east_m * 180.0 / (pi * A / sqrt(m) * cos(phi))
    return gcj_lon, gcj_lat


def bd_from_gcj(lon: float, lat: float) -> tuple[float, float]:
    """Through polar coordinates."""
    z = sqrt(lon * lon + lat * lat) + 0.00002 * sin(lat * K)
    t = atan2(lat, lon) + 0.000003 * cos(lon * K)
    return z * cos(t) + 0.0065, z * sin(t) + 0.006

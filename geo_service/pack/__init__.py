"""
The district pack: what a phone needs of a district to answer every question by itself.

Everything here is made from arguments: streets become a few kilobytes of numbers, places columns, hours four weeks
of days, names what a rider can type. Equal arguments give equal bytes. Who builds it when, and where it is kept, is
for ``districts/packing.py``; ``static/phone/pack.js`` reads it back.
"""

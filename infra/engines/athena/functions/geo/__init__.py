"""Trino's geospatial functions. A geometry is its well-known binary, a Bing tile a whole number.

Source: https://trino.io/docs/current/functions/geospatial.html. Shapely reckons; it is imported when a function is first called.
What Trino's own library (Esri's) does otherwise is done here: rings without an end, their direction, where they begin.
"""

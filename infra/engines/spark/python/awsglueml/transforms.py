"""Refused with the documentation's page."""

from awsglue.transforms import FillMissingValues, FindIncrementalMatches, FindMatches

__all__ = ["FillMissingValues", "FindIncrementalMatches", "FindMatches"]

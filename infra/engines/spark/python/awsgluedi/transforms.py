"""Refused with the documentation's page as soon as they are imported (`from awsgluedi.transforms import *`)."""

from awsglue import not_there

raise not_there("awsgluedi.transforms", "aws-glue-programming-python-transforms")

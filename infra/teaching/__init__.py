"""Exercises and their answers, a class and its progress, costs and prices. Pure Python and boto3: a Glue session imports it too."""

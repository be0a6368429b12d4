"""Python imports this at its start, in drivers and in the workers of Spark and Flink alike."""

import aws_names

aws_names.refuse()

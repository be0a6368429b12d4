"""Refused with the documentation's page."""

from awsglue import not_there


class EvaluateDataQuality:
    """Evaluates rules on a frame: part of the AWS service only."""

    def _refuse(self, *arguments, **options):
        raise not_there("EvaluateDataQuality", "glue-data-quality")

    process_rows = _refuse

    @classmethod
    def apply(cls, *arguments, **options):
        raise not_there("EvaluateDataQuality", "glue-data-quality")

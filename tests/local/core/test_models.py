"""AWS's models as they are read here: with what moto adds to them."""

from __future__ import annotations

from moto.core.utils import get_service_model

from infra.local.core import models  # noqa: F401 (puts its loader in the place of moto's)


def test_errors_that_botocore_leaves_out_have_their_status() -> None:
    shape = get_service_model("s3").shape_for("BucketNotEmpty")
    assert shape.metadata["error"]["httpStatusCode"] == 409

"""S3 Select, which AWS gives no new customers: refused in its words, whatever is asked."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.mark.parametrize("statement", ["SELECT * FROM s3object", "SELECT a+", "'"])
def test_select_is_refused(client: Any, account: str, statement: str) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket=f"select-{account}")
    s3.put_object(Bucket=f"select-{account}", Key="k", Body=b"a\n1\n")
    with pytest.raises(ClientError) as caught:
        s3.select_object_content(
            Bucket=f"select-{account}",
            Key="k",
            ExpressionType="SQL",
            Expression=statement,
            InputSerialization={"CSV": {}},
            OutputSerialization={"JSON": {}},
        )
    assert caught.value.response["Error"]["Code"] == "MethodNotAllowed"

"""Event patterns: what matches, and what EventBridge refuses, by AWS's documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.events import patterns, transform

EVENT: dict[str, Any] = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "resources": ["arn:aws:s3:::lake"],
    "detail": {
        "bucket": {"name": "lake"},
        "object": {"key": "data/raw/2022/a.JSON", "size": 178, "ratio": 0.5},
        "ip": "10.1.2.3",
        "ipv6": "2001:db8::1",
        "empty": [],
        "nothing": None,
        "yes": True,
        "tags": ["red", "blue"],
        "files": [{"name": "a", "size": 1}, {"name": "b", "size": 2}],
        "nested": [[{"name": "c"}], "d"],
        "text": "a*b\\c",
        "state.name": "READY",
    },
}


def detail(**wanted: Any) -> dict[str, Any]:
    return {"detail": wanted}


MATCHING: list[dict[str, Any]] = [
    {"source": ["aws.s3"]},
    {"source": ["aws.glue", "aws.s3"]},
    {"source": ["aws.s3"], "detail-type": ["Object Created"]},
    {"resources": ["arn:aws:s3:::lake"]},
    {"resources": [{"suffix": ":lake"}]},
    detail(bucket={"name": ["lake"]}),
    detail(object={"key": [{"prefix": "data/raw/"}]}),
    detail(object={"key": [{"prefix": {"equals-ignore-case": "DATA/"}}]}),
    detail(object={"key": [{"suffix": ".JSON"}]}),
    detail(object={"key": [{"suffix": {"equals-ignore-case": ".json"}}]}),
    detail(object={"key": [{"wildcard": "data/*/a.*"}]}),
    detail(object={"key": [{"wildcard": "*"}]}),
    detail(object={"key": [{"equals-ignore-case": "DATA/RAW/2022/A.json"}]}),
    detail(object={"key": [{"anything-but": "data/raw/b"}]}),
    detail(object={"key": [{"anything-but": ["x", "y"]}]}),
    detail(object={"key": [{"anything-but": {"prefix": "data/processed"}}]}),
    detail(object={"key": [{"anything-but": {"suffix": ".parquet"}}]}),
    detail(object={"key": [{"anything-but": {"suffix": [".parquet", ".csv"]}}]}),
    detail(object={"key": [{"anything-but": {"wildcard": "*.parquet"}}]}),
    detail(object={"key": [{"anything-but": {"equals-ignore-case": ["X"]}}]}),
    detail(object={"size": [178]}),
    detail(object={"size": [178.0]}),
    detail(object={"size": [{"numeric": [">", 0, "<=", 178]}]}),
    detail(object={"size": [{"numeric": ["=", 1.78e2]}]}),
    detail(object={"size": [{"anything-but": 179}]}),
    detail(object={"size": [{"anything-but": [1, 2]}]}),
    detail(object={"ratio": [{"numeric": ["<", 1]}]}),
    detail(ip=[{"cidr": "10.0.0.0/8"}]),
    detail(ipv6=[{"cidr": "2001:db8::/32"}]),
    detail(nothing=[None]),
    detail(nothing=[{"exists": True}]),
    detail(yes=[True]),
    detail(absent=[{"exists": False}]),
    detail(absent={"below": [{"exists": False}]}),
    detail(bucket=[{"exists": False}]),  # only leaves exist
    detail(empty=[{"exists": False}]),  # an empty list has no leaf
    detail(object={"key": [{"exists": True}]}),
    detail(tags=["blue"]),
    detail(tags=[{"anything-but": "red"}]),  # one of the values is another
    detail(tags=["green", {"prefix": "re"}]),
    detail(files={"name": ["b"], "size": [2]}),
    detail(nested={"name": ["c"]}),
    detail(nested=["d"]),
    detail(text=[{"wildcard": "a\\*b\\\\c"}]),
    detail(state={"name": ["READY"]}),  # steps are joined by dots
    detail(**{"state.name": ["READY"]}),
    detail(**{"object.size": [178]}),
    {"$or": [{"source": ["x"]}, {"detail-type": ["Object Created"]}]},
    detail(**{"$or": [{"ip": ["x"]}, {"object": {"size": [{"numeric": ["<", 200]}]}}]}),
    {"source": ["aws.s3"], "$or": [{"detail": {"yes": [True]}}, {"account": ["1"]}]},
]
OTHERS: list[dict[str, Any]] = [
    {"source": ["aws.glue"]},
    {"source": ["AWS.S3"]},
    {"account": ["1"]},
    {"source": ["aws.s3"], "detail-type": ["Object Deleted"]},
    detail(object={"key": ["data/raw/2022/a.json"]}),
    detail(object={"key": [{"prefix": "raw"}]}),
    detail(object={"size": ["178"]}),
    detail(object={"size": [{"numeric": [">", 178]}]}),
    detail(object={"size": [{"prefix": "1"}]}),
    detail(yes=["true"]),
    detail(yes=[1]),
    detail(yes=[{"numeric": ["=", 1]}]),
    detail(nothing=["null"]),
    detail(absent=[None]),
    detail(absent=[{"exists": True}]),
    detail(absent=[{"anything-but": "x"}]),
    detail(bucket=[{"exists": True}]),
    detail(empty=[{"exists": True}]),
    detail(tags=[{"exists": False}]),
    detail(object={"key": [{"anything-but": {"prefix": "data/"}}]}),
    detail(object={"size": [{"anything-but": [178]}]}),
    detail(ip=[{"cidr": "10.2.0.0/16"}]),
    detail(yes=[{"cidr": "10.2.0.0/16"}]),
    detail(files={"name": ["a"], "size": [2]}),  # both in one object
    detail(files={"name": [{"exists": False}]}),
    detail(text=[{"wildcard": "a\\*c"}]),
    detail(state={"name": [{"exists": False}]}),
    detail(**{"object.siz": [178]}),
    {"$or": [{"source": ["x"]}, {"detail-type": ["y"]}]},
]


@pytest.mark.parametrize("pattern", MATCHING, ids=json.dumps)
def test_match(pattern: dict[str, Any]) -> None:
    assert patterns.matches(patterns.parse(json.dumps(pattern)), EVENT)


@pytest.mark.parametrize("pattern", OTHERS, ids=json.dumps)
def test_no_match(pattern: dict[str, Any]) -> None:
    assert not patterns.matches(patterns.parse(json.dumps(pattern)), EVENT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Unrecognized token"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ('{"detail": {}}', "Empty objects are not allowed"),
        ('{"source": "aws.s3"}', '"source" must be an object or an array'),
        ('{"source": null}', '"source" must be an object or an array'),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"source": [["x"]]}', "Match value must be String, number, true, false, or null"),
        ('{"source": [{}]}', "Match expression name not found"),
        ('{"source": [{"prefix": "a", "suffix": "b"}]}', "Only one key allowed in match expression"),
        ('{"source": [{"NUMERIC": ["=", 1]}]}', "Unrecognized match type NUMERIC"),
        ('{"source": [{"prefix": 1}]}', "prefix match pattern must be a string"),
        ('{"source": [{"suffix": null}]}', "suffix match pattern must be a string"),
        ('{"source": [{"equals-ignore-case": 1}]}', "equals-ignore-case match pattern must be a string"),
        ('{"source": [{"wildcard": 1}]}', "wildcard match pattern must be a string"),
        ('{"source": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 2"),
        ('{"source": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 2"),
        ('{"source": [{"wildcard": "*:*:*:*:*:x/*"}]}', "Rule is too complex - try using fewer wildcard characters"),
        ('{"source": [{"exists": "yes"}]}', "exists match pattern must be either true or false."),
        ('{"source": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required"),
        ('{"source": [{"cidr": "10.0.0.0/x"}]}', "Malformed CIDR, mask bits must be an integer"),
        ('{"source": [{"cidr": "10.0.0/8"}]}', "Nonstandard IP address: 10.0.0"),
        ('{"source": [{"cidr": "10.0.0.0/33"}]}', "IPv4 mask bits must be < 32"),
        ('{"source": [{"numeric": 1}]}', "Value of numeric must be an array."),
        ('{"source": [{"numeric": []}]}', "Invalid member in numeric match: ]"),
        ('{"source": [{"numeric": [1]}]}', "Invalid member in numeric match: 1"),
        ('{"source": [{"numeric": ["<>", 1]}]}', "Unrecognized numeric range operator: <>"),
        ('{"source": [{"numeric": ["=", "1"]}]}', "Value of equals must be numeric"),
        ('{"source": [{"numeric": [">"]}]}', "Value of > must be numeric"),
        ('{"source": [{"numeric": ["<", 1, ">", 0]}]}', "Too many elements in numeric expression"),
        ('{"source": [{"numeric": [">", 0, ">", 1]}]}', "Bad numeric range operator: >"),
        ('{"source": [{"numeric": [">", 0, 1]}]}', "Bad value in numeric range: 1"),
        ('{"source": [{"numeric": [">", 0, "<", "1"]}]}', "Value of < must be numeric"),
        ('{"source": [{"numeric": [">", 1, "<", 0]}]}', "Bottom must be less than top"),
        ('{"source": [{"numeric": ["=", 6e9]}]}', "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ('{"source": [{"anything-but": null}]}', "Value of anything-but must be an array or single"),
        ('{"source": [{"anything-but": [null]}]}', "Inside anything but list, start|null|boolean is not supported."),
        ('{"source": [{"anything-but": [1, "a"]}]}', "mixed type is not supported"),
        ('{"source": [{"anything-but": []}]}', "mixed type is not supported"),
        ('{"source": [{"anything-but": {"numeric": ["=", 1]}}]}', "Unsupported anything-but pattern: numeric"),
        ('{"source": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
        ('{"source": [{"anything-but": {"prefix": 1}}]}', "prefix/suffix match pattern must be a string"),
        ('{"$or": {}}', "It must be an Array followed with $or."),
        ('{"$or": [{"source": ["a"]}]}', "There must have at least 2 Objects in $or relationship."),
        ('{"$or": ["a", "b"]}', "Only JSON object is allowed in array of $or relationship."),
        ('{"$or": [{"prefix": ["a"]}, {"b": ["c"]}]}', "cannot be used inside $or."),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(patterns.InvalidPattern, match=".*") as refused:
        patterns.parse(text)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"key": <key>, "size": <size>}', '{"key": "data/raw/\\"2022\\"", "size": 178}'),
        ('{"text": "<key> has <size> bytes"}', '{"text": "data/raw/\\"2022\\" has 178 bytes"}'),
        ('"<key>"', '"data/raw/\\"2022\\""'),
        ("<object>", '{"key":"data/raw/\\"2022\\"","size":178}'),
        ('{"x": <missing>, "y": "<missing>"}', '{"x": "", "y": ""}'),
        ('"<object> <texts>"', '"{key:data/raw/\\2022\\,size:178} [a,b]"'),
        ('{"texts": "<texts>"}', '{"texts": "["a","b"]"}'),  # no JSON: it is not delivered
        ('{"escaped \\"<size>": <size>}', '{"escaped \\"178": 178}'),
        ('{"a": <list>, "b": "<list>"}', '{"a": [1,2], "b": "[1,2]"}'),
        ('{"rule": <aws.events.rule-name>}', '{"rule": "r"}'),
        ("<unknown> stays", "<unknown> stays"),
    ],
)
def test_transformer(template: str, expected: str) -> None:
    event = {"detail": {"object": {"key": 'data/raw/"2022"', "size": 178}, "list": [1, 2], "texts": ["a", "b"]}}
    paths = {
        "key": "$.detail.object.key",
        "size": "$.detail.object.size",
        "object": "$.detail.object",
        "missing": "$.detail.no",
        "list": "$.detail.list",
        "texts": "$.detail.texts",
    }
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    assert transform.payload(event, target, {"aws.events.rule-name": "r"}) == expected


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", {"a": {"b-c": [{"d": 1}, {"d": 2}]}}),
        ("$.a.b-c[1].d", 2),
        ("$.a['b-c'][0]", {"d": 1}),
        ("$.a.b-c[*].d", [1, 2]),
        ("$.a.x", transform.MISSING),
        ("$.a.b-c[2]", transform.MISSING),
    ],
)
def test_paths(path: str, found: Any) -> None:
    assert transform.part({"a": {"b-c": [{"d": 1}, {"d": 2}]}}, path) == found


@pytest.mark.parametrize("path", ["", "a", "$.", "$..a", "$.a[", "$[x]", "$.a b"])
def test_bad_paths(path: str) -> None:
    with pytest.raises(transform.InvalidPath):
        transform.steps(path)


ENVELOPE = {
    "id": "1", "account": "123456789012", "source": "s", "time": "2020-01-01T00:00:00Z", "region": "us-east-1",
    "resources": [], "detail-type": "d",
}  # fmt: skip
ODD: list[tuple[dict[str, Any], dict[str, Any], bool | None]] = [  # pattern, detail, whether it matches; None: refused
    ({"detail":{"a":[1.0]}},{"a":1},True),
    ({"detail":{"a":["1"]}},{"a":1},False),
    ({"detail":{"a":[3.0e2]}},{"a":300},True),
    ({"detail":{"a":[{"numeric":[">=",-5,"<",5]}]}},{"a":-5},True),
    ({"detail":{"a":[{"numeric":["=",0.1]}]}},{"a":0.1},True),
    ({"detail":{"a":[{"numeric":["<",1],"exists":True}]}},{"a":0}, None),
    ({"detail":{"a":[{"numeric":[]}]}},{"a":0}, None),
    ({"detail":{"a":[{"numeric":["<","1"]}]}},{"a":0}, None),
    ({"detail":{"a":[{"numeric":["<",5,">",1]}]}},{"a":2}, None),
    ({"detail":{"a":[{"numeric":[">",1e10]}]}},{"a":2}, None),
    ({"detail":{"a":[{"anything-but":[]}]}},{"a":2}, None),
    ({"detail":{"a":[{"anything-but":["a",1]}]}},{"a":2}, None),
    ({"detail":{"a":[{"anything-but":{"numeric":["<",1]}}]}},{"a":2}, None),
    ({"detail":{"a":[{"anything-but":{"prefix":["x","y"]}}]}},{"a":"zy"},True),
    ({"detail":{"a":[{"anything-but":{"prefix":["x","y"]}}]}},{"a":"yz"},False),
    ({"detail":{"a":[{"anything-but":{"suffix":"z"}}]}},{"a":["yz","q"]},True),
    ({"detail":{"a":[{"anything-but":{"equals-ignore-case":"YES"}}]}},{"a":"yes"},False),
    ({"detail":{"a":[{"anything-but":{"wildcard":"*/tmp/*"}}]}},{"a":"x/tmp/y"},False),
    ({"detail":{"a":[None]}},{"a":None},True),
    ({"detail":{"a":[None]}},{},False),
    ({"detail":{"a":[""]}},{"a":""},True),
    ({"detail":{"a":[{"prefix":""}]}},{"a":"x"},True),
    ({"detail":{"a":[{"exists":False}]}},{"a":None},False),
    ({"detail":{"a":[{"exists":"true"}]}},{"a":None}, None),
    ({"detail":{"a":{"b":[{"exists":False}]}}},{"a":{}},True),
    ({"detail":{"a":[{"cidr":"10.0.0.0/33"}]}},{"a":"10.0.0.1"}, None),
    ({"detail":{"a":[{"cidr":"10.0.0.0/24"}]}},{"a":"10.0.0.255"},True),
    ({"detail":{"a":[{"cidr":"::/0"}]}},{"a":"10.0.0.255"},False),
    ({"detail":{"a":[{"wildcard":"*"}]}},{"a":""},True),
    ({"detail":{"a":[{"wildcard":"\\\\*"}]}},{"a":"\\x"},True),
    ({"detail":{"a":[{"wildcard":"a\\x"}]}},{"a":"a"}, None),
    ({"detail":{"a":[{"wildcard":"a**"}]}},{"a":"a"}, None),
    ({"$or":[{"source":["x"]},{"detail":{"a":[1]}}]},{"a":1},True),
    ({"$or":[{"source":["x"]}]},{"a":1}, None),
    ({"$or":{"source":["x"]}},{"a":1}, None),
    ({"detail":{"$or":[{"a":[1]},{"b":[2]}],"c":[3]}},{"b":2,"c":3},True),
    ({"detail":{"$or":[{"a":[1]},{"b":[2]}],"c":[3]}},{"b":2,"c":4},False),
    ({"detail":{"a":{"b":["x"],"c":["y"]}}},{"a":[{"b":"x","c":"n"},{"b":"n","c":"y"}]},False),
    ({"detail":{"a":{"b":["x"],"c":["y"]}}},{"a":[{"b":"x","c":"y"}]},True),
    ({"detail":{"a":["x"]}},{"a":[["x"]]},True),
    ({"detail":{"a.b":["x"]}},{"a":{"b":"x"}},True),
    ({"detail":{"a":[True,"t"]}},{"a":"t"},True),
    ({"detail":{"a":["é"]}},{"a":"e\u0301"},False),
    ({"detail":{"a":[{"equals-ignore-case":"STRASSE"}]}},{"a":"strasse"},True),
    ({"detail":{"a":[{"suffix":{"equals-ignore-case":".PNG"}}]}},{"a":"x.pNg"},True),
    ({"detail":{"a":[{"prefix":{"suffix":"x"}}]}},{"a":"x"}, None),
    ({"source":["s"],"detail":[1]},{"a":"x"},False),
    ({"detail":{"a":[float('nan')]}},{"a":"x"}, None),
    ({"source":[{"prefix":"s"}],"time":[{"prefix":"2020-01"}]},{},True),
    ({"account":["123456789012"],"resources":[{"exists":False}]},{},True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "inner", "is_match"), ODD, ids=json.dumps)
def test_odd_patterns(pattern: dict[str, Any], inner: dict[str, Any], is_match: bool | None) -> None:
    text = json.dumps(pattern)
    if is_match is None:
        with pytest.raises(patterns.InvalidPattern):
            patterns.parse(text)
    else:
        assert patterns.matches(patterns.parse(text), {**ENVELOPE, "detail": inner}) == is_match


def test_a_deep_pattern_is_refused() -> None:
    text = '{"a":' * 101 + "[1]" + "}" * 101
    with pytest.raises(patterns.InvalidPattern, match="levels"):
        patterns.parse(text)
    deep = json.loads(text[5:-1])
    assert patterns.matches(patterns.parse(json.dumps(deep)), json.loads(json.dumps(deep).replace("[1]", "1")))

"""Nodes that change what flows through them.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

import keyword
import re
import textwrap
from typing import Any

from infra.local.glue.studio.node import (
    AGGREGATE,
    AGGREGATE_NAMES,
    COLLECTION,
    COMPARISONS,
    DYNAMIC_FRAME,
    NUMBER,
    NUMBER_TYPES,
    SQL_FUNCTIONS,
    SQL_QUERY,
    STRING_TYPES,
    UNION,
    Columns,
    Made,
    Node,
    described,
    literal,
    need,
    path_text,
)


def apply_mapping(node: Node) -> Made:
    rows, columns = [], {}
    for mapping in node.given["Mapping"]:
        if mapping.get("Dropped"):
            continue
        if mapping.get("Children"):
            raise node.wrong("Mapping.Children is not part of the local AWS; map the inner fields by their paths.")
        if missing := {"FromPath", "FromType", "ToKey", "ToType"} - set(mapping):
            raise node.wrong(f"a Mapping has no {', '.join(sorted(missing))}.")
        source = need(node, mapping["FromPath"], node.source.columns)
        if mapping["ToKey"] in columns:
            raise node.wrong(f"two columns are mapped to {mapping['ToKey']}.")
        rows.append((source, mapping["FromType"], path_text([mapping["ToKey"]]), mapping["ToType"]))
        columns[mapping["ToKey"]] = mapping["ToType"]
    if not rows:
        raise node.wrong("no column is left.")
    call = f"frame={node.source.variable}, mappings={literal(rows)}, {node.context}"
    return Made(f"{node.variable} = ApplyMapping.apply({call})", columns)


def select_fields(node: Node) -> Made:
    paths, known = node.given["Paths"], node.source.columns
    texts = _paths(node)
    call = f"frame={node.source.variable}, paths={literal(texts)}, {node.context}"
    return Made(f"{node.variable} = SelectFields.apply({call})", _selected(paths, known))


def drop_fields(node: Node) -> Made:
    paths, known = node.given["Paths"], node.source.columns
    texts = _paths(node)
    call = f"frame={node.source.variable}, paths={literal(texts)}, {node.context}"
    return Made(f"{node.variable} = DropFields.apply({call})", _dropped(paths, known))


def split_fields(node: Node) -> Made:
    paths, known = node.given["Paths"], node.source.columns
    texts = _paths(node)
    call = f"frame={node.source.variable}, paths={literal(texts)}"
    call += f', name1="{node.variable}0", name2="{node.variable}1", {node.context}'
    return Made(
        f"{node.variable} = SplitFields.apply({call})", members=(_selected(paths, known), _dropped(paths, known))
    )


def _paths(node: Node) -> list[str]:
    if not node.given["Paths"]:
        raise node.wrong("Paths is empty.")
    return [need(node, path, node.source.columns) for path in node.given["Paths"]]


def whole_columns(node: Node, paths: list[list[str]]) -> list[str]:
    for path in paths:
        need(node, path, node.source.columns)
        if len(path) != 1:
            raise node.wrong(f"{'.'.join(path)} is inside another column; map it to one of its own.")
    return [path[0] for path in paths]


def _selected(paths: list[list[str]], known: Columns | None) -> Columns:
    return {path[0]: (known or {}).get(path[0], "") if len(path) == 1 else "" for path in paths}


def _dropped(paths: list[list[str]], known: Columns | None) -> Columns | None:
    whole = [path[0] for path in paths if len(path) == 1]
    return None if known is None else {name: kind for name, kind in known.items() if name not in whole}


def rename_field(node: Node) -> Made:
    source, target, known = node.given["SourcePath"], node.given["TargetPath"], node.source.columns
    old, new = need(node, source, known), need(node, target, None)
    if known is not None and len(target) == 1 and target[0] in known and source != target:
        raise node.wrong(f"its input already has a column {target[0]}.")
    columns = None
    if known is not None and len(source) == len(target) == 1:
        columns = {target[0] if name == source[0] else name: kind for name, kind in known.items()}
    call = f"frame={node.source.variable}, old_name={literal(old)}, new_name={literal(new)}, {node.context}"
    return Made(f"{node.variable} = RenameField.apply({call})", columns)


def drop_duplicates(node: Node) -> Made:
    columns = whole_columns(node, node.given.get("Columns", []))
    data = f"{node.source.variable}.toDF().dropDuplicates({literal(columns) if columns else ''})"
    return Made(_from_df(node, data), node.source.columns, imports=(DYNAMIC_FRAME,))


def _from_df(node: Node, data: str) -> str:
    return f'{node.variable} = DynamicFrame.fromDF({data}, glueContext, "{node.variable}")'


def join(node: Node) -> Made:
    keys = {side["From"]: side["Keys"] for side in node.given["Columns"]}
    if set(keys) != set(node.given["Inputs"]) or len(keys) != 2:
        raise node.wrong("Columns must name its two inputs.")
    left, right = node.inputs
    how = node.given["JoinType"]
    columns = left.columns if how in ("leftsemi", "leftanti") else _both(node, left.columns, right.columns)
    left_keys, right_keys = (
        [need(node, path, frame.columns) for path in keys[each]]
        for each, frame in zip(node.given["Inputs"], node.inputs, strict=True)
    )
    if len(left_keys) != len(right_keys) or not left_keys:
        raise node.wrong("both inputs must have the same number of keys, one or more.")
    if how == "equijoin":
        call = (
            f"frame1={left.variable}, frame2={right.variable}, keys1={literal(left_keys)}, keys2={literal(right_keys)}"
        )
        return Made(f"{node.variable} = Join.apply({call}, {node.context})", columns)
    one, other = f"{left.variable}DF", f"{right.variable}DF"
    same = " & ".join(
        f"({one}[{literal(a)}] == {other}[{literal(b)}])" for a, b in zip(left_keys, right_keys, strict=True)
    )
    lines = [
        f"{one} = {left.variable}.toDF()",
        f"{other} = {right.variable}.toDF()",
        _from_df(node, f'{one}.join({other}, {same}, "{how}")'),
    ]
    return Made("\n".join(lines), columns, imports=(DYNAMIC_FRAME,))


def _both(node: Node, left: Columns | None, right: Columns | None) -> Columns | None:
    if left is None or right is None:
        return None
    if same := [name for name in left if name in right]:
        raise node.wrong(
            f"both inputs have {', '.join(same)}. Rename it in one of them with a Change Schema (ApplyMapping) node"
            " before the join; Glue Studio's own is called Renamed keys for Join."
        )
    return left | right


def union(node: Node) -> Made:
    one, other = node.inputs
    if one.columns is not None and other.columns is not None and list(one.columns) != list(other.columns):
        raise node.wrong(
            "a union goes by position: its inputs must have the same columns in the same order, and have"
            f" {', '.join(one.columns)} and {', '.join(other.columns)}."
        )
    kind = "ALL" if node.given["UnionType"] == "ALL" else "DISTINCT"
    mapping = f'{{"source1": {one.variable}, "source2": {other.variable}}}'
    call = f'glueContext, unionType="{kind}", mapping={mapping}, {node.context}'
    return Made(
        f"{node.variable} = sparkUnion({call})", one.columns or other.columns, imports=(DYNAMIC_FRAME,), function=UNION
    )


def spark_sql(node: Node) -> Made:
    frames = dict(zip(node.given["Inputs"], node.inputs, strict=True))
    views: dict[str, str] = {}  # a name as SQL compares it, without case
    for alias in node.given["SqlAliases"]:
        if alias["From"] not in frames:
            raise node.wrong(f"SqlAliases names {alias['From']}, which is not one of its inputs.")
        if alias["Alias"].lower() in views:
            raise node.wrong(f"two of its SqlAliases are {alias['Alias']}.")
        views[alias["Alias"].lower()] = f"{literal(alias['Alias'])}: {frames[alias['From']].variable}"
    query = node.given["SqlQuery"].replace("\\", "\\\\").replace("'''", "\\'\\'\\'")
    name = f"SqlQuery_{node.node_id.replace('-', '')}"
    call = f"glueContext, query={name}, mapping={{{', '.join(views.values())}}}, {node.context}"
    code = f"{name} = '''\n{query}\n'''\n{node.variable} = sparkSqlQuery({call})"
    schemas = described(node)
    return Made(code, schemas[0] if schemas else None, imports=(DYNAMIC_FRAME,), function=SQL_QUERY)


def aggregate(node: Node) -> Made:
    known = node.source.columns
    if not node.given["Aggs"]:
        raise node.wrong("Aggs is empty.")
    groups = [need(node, path, known) for path in node.given["Groups"]]
    measures = [[need(node, each["Column"], known), each["AggFunc"]] for each in node.given["Aggs"]]
    made = [(path[-1], (known or {}).get(path[0], "") if len(path) == 1 else "") for path in node.given["Groups"]]
    made += [(_aggregate_name(each["AggFunc"], each["Column"]), "") for each in node.given["Aggs"]]
    columns = dict(made)
    for name in columns:
        if sum(name == other for other, _ in made) > 1:
            raise node.wrong(f"two of its columns would be {name}.")
    call = f"glueContext, parentFrame={node.source.variable}, groups={literal(groups)}, aggs={literal(measures)}"
    return Made(
        f"{node.variable} = sparkAggregate({call}, {node.context})",
        columns,
        imports=(DYNAMIC_FRAME, SQL_FUNCTIONS),
        function=AGGREGATE,
    )


def _aggregate_name(function: str, path: list[str]) -> str:
    """Return what Spark calls the column."""
    if function in AGGREGATE_NAMES:
        return AGGREGATE_NAMES[function].format(".".join(path))
    return f"{function}(`{path[0]}`)" if len(path) == 1 and "." in path[0] else f"{function}({'.'.join(path)})"


def filter_rows(node: Node) -> Made:
    tests = [_test(node, each) for each in node.given["Filters"]]
    if not tests:
        raise node.wrong("Filters is empty.")
    condition = f" {node.given['LogicalOperator'].lower()} ".join(tests)
    imports = ("import re",) if any(each["Operation"] == "REGEX" for each in node.given["Filters"]) else ()
    call = f"frame={node.source.variable}, f=lambda row: ({condition}), {node.context}"
    return Made(f"{node.variable} = Filter.apply({call})", node.source.columns, imports=imports)


def _test(node: Node, given: dict[str, Any]) -> str:
    operation, values = given["Operation"], given["Values"]
    wanted = 1 if operation == "ISNULL" else 2
    if len(values) != wanted or values[0]["Type"] != "COLUMNEXTRACTED":
        raise node.wrong(f"{operation} takes {wanted} Values, the first a column (COLUMNEXTRACTED).")
    kind = _type(node, values[0])
    column = _operand(node, values[0], kind)
    if operation == "ISNULL":
        test = f"{column} is None"
    elif operation == "REGEX":
        if values[1]["Type"] != "CONSTANT" or kind not in ("", *STRING_TYPES):
            raise node.wrong("REGEX compares a string column with a constant.")
        try:
            re.compile(_constant(node, values[1]))
        except re.error as error:
            raise node.wrong(f"the regular expression {_constant(node, values[1])} is wrong: {error}.") from None
        test = f"bool(re.match({literal(_constant(node, values[1]))}, {column}))"
    else:
        test = f"{column} {COMPARISONS[operation]} {_operand(node, values[1], kind)}"
    return f"not({test})" if given.get("Negated") else test


def _type(node: Node, value: dict[str, Any]) -> str:
    """Return the type of a column to compare, "" when it is not known."""
    path, known = value["Value"], node.source.columns
    need(node, path, known)
    kind = (known or {}).get(path[0], "") if len(path) == 1 else ""
    return kind.partition("(")[0].lower()


def _operand(node: Node, value: dict[str, Any], kind: str) -> str:
    """Write a column or a constant of the type of the column that it is compared with."""
    if value["Type"] == "COLUMNEXTRACTED":
        need(node, value["Value"], node.source.columns)
        return "row" + "".join(f"[{literal(part)}]" for part in value["Value"])
    text = _constant(node, value)
    if kind in NUMBER_TYPES:
        try:
            return repr(float(text) if "." in text else int(text))
        except ValueError:
            raise node.wrong(f"{text} is no number, and is compared with a column of type {kind}.") from None
    if kind == "boolean" and text.lower() in ("true", "false"):
        return repr(text.lower() == "true")
    if kind and kind not in STRING_TYPES:
        raise node.wrong(f"a constant cannot be compared with a column of type {kind} here; use a SQL node.")
    return text if not kind and NUMBER.fullmatch(text) else literal(text)


def _constant(node: Node, value: dict[str, Any]) -> str:
    if len(value["Value"]) != 1:
        raise node.wrong("a CONSTANT has one Value.")
    return value["Value"][0]


def custom_code(node: Node) -> Made:
    name = node.given["ClassName"]
    if not name.isidentifier() or keyword.iskeyword(name):
        raise node.wrong(f"ClassName {name} is no Python name.")
    code = node.given["Code"].strip("\n")
    body = code if code[:1].isspace() else textwrap.indent(code, "    ")
    function = f"# Script generated for node {' '.join(node.name.split())}\n"
    function += f"def {name}(glueContext, dfc) -> DynamicFrameCollection:\n{body}\n"
    try:
        compile(function, "Code", "exec")
    except SyntaxError as error:
        raise node.wrong(f"line {(error.lineno or 2) - 2} of Code is no Python: {error.msg}.") from None
    frames = ", ".join(f'"{frame.variable}": {frame.variable}' for frame in node.inputs)
    call = f"glueContext, DynamicFrameCollection({{{frames}}}, glueContext)"
    return Made(
        f"{node.variable} = {name}({call})",
        members=tuple(described(node)),
        imports=(COLLECTION, DYNAMIC_FRAME),
        function=function,
    )


def select_from_collection(node: Node) -> Made:
    index, members = node.given["Index"], node.source.members or ()
    columns = members[index] if index < len(members) else None
    call = f"dfc={node.source.variable}, key=list({node.source.variable}.keys())[{index}], {node.context}"
    return Made(f"{node.variable} = SelectFromCollection.apply({call})", columns)

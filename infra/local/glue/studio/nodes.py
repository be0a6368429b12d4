"""The nodes of a visual job, one function a kind: what a node becomes in the script, and which columns leave it.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

import json
import keyword
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Columns = dict[str, str]  # name → type of the Data Catalog, "" where it is not known; in the order of the table
Tables = Callable[[str, str], dict[str, Any]]  # database, table → the table as GetTable gives it

SEPARATORS = {"comma": ",", "ctrla": "\x01", "pipe": "|", "semicolon": ";", "tab": "\t"}
QUOTES = {"quote": '"', "single_quote": "'", "disabled": -1}
COMPARISONS = {"EQ": "==", "LT": "<", "GT": ">", "LTE": "<=", "GTE": ">="}
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
NUMBER_TYPES = {"tinyint", "smallint", "int", "integer", "short", "bigint", "long", "float", "double", "decimal"}
STRING_TYPES = {"string", "varchar", "char"}
# What Spark can write here, of what the API names for the format
COMPRESSIONS = {
    "parquet": {"snappy", "gzip", "lz4", "uncompressed", "none"},
    "orc": {"snappy", "zlib", "uncompressed", "none"},
    "json": {"gzip", "bzip2", "uncompressed", "none"},
    "csv": {"gzip", "bzip2", "uncompressed", "none"},
}
AGGREGATE_NAMES = {"countDistinct": "count(DISTINCT {})", "sumDistinct": "sum(DISTINCT {})"}

DYNAMIC_FRAME = "from awsglue.dynamicframe import DynamicFrame"
COLLECTION = "from awsglue.dynamicframe import DynamicFrameCollection"
SQL_FUNCTIONS = "from pyspark.sql import functions as SqlFuncs"

SQL_QUERY = """\
def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, dynamic_frame in mapping.items():
        dynamic_frame.toDF().createOrReplaceTempView(alias)
    return DynamicFrame.fromDF(spark.sql(query), glueContext, transformation_ctx)
"""
UNION = """\
def sparkUnion(glueContext, unionType, mapping, transformation_ctx) -> DynamicFrame:
    for alias, dynamic_frame in mapping.items():
        dynamic_frame.toDF().createOrReplaceTempView(alias)
    both = spark.sql(f"(SELECT * FROM source1) UNION {unionType} (SELECT * FROM source2)")
    return DynamicFrame.fromDF(both, glueContext, transformation_ctx)
"""
AGGREGATE = """\
def sparkAggregate(glueContext, parentFrame, groups, aggs, transformation_ctx) -> DynamicFrame:
    measures = [getattr(SqlFuncs, function)(column) for column, function in aggs]
    return DynamicFrame.fromDF(parentFrame.toDF().groupBy(*groups).agg(*measures), glueContext, transformation_ctx)
"""


class WrongGraph(ValueError):
    """The nodes are no job that can run here; the message says which node and why."""


@dataclass(frozen=True)
class Frame:
    """What a node gives to the next: a DynamicFrame, or (`members` is not None) a collection of them."""

    variable: str
    columns: Columns | None = None  # None where they are only known when the job runs
    members: tuple[Columns | None, ...] | None = None


@dataclass(frozen=True)
class Node:
    """A node as it is given, with its inputs."""

    node_id: str
    given: dict[str, Any]
    inputs: tuple[Frame, ...]
    tables: Tables

    @property
    def name(self) -> str:
        return self.given["Name"]

    @property
    def variable(self) -> str:
        """Its variable, as Glue Studio makes it: `Renamed keys for Join`, node-1669 → `RenamedkeysforJoin_node1669`."""
        made = f"{re.sub(r'[^A-Za-z0-9_]', '', self.name)}_{self.node_id.replace('-', '')}"
        return f"_{made}" if made[0].isdigit() else made

    @property
    def context(self) -> str:
        return f'transformation_ctx="{self.variable}"'

    @property
    def source(self) -> Frame:
        return self.inputs[0]

    def wrong(self, why: str) -> WrongGraph:
        return WrongGraph(f"Node {self.name}: {why}")


@dataclass(frozen=True)
class Made:
    """The code of a node: its statements, and what stands above them in the script."""

    code: str
    columns: Columns | None = None
    members: tuple[Columns | None, ...] | None = None
    imports: tuple[str, ...] = ()
    function: str = ""


def literal(value: Any) -> str:
    """Write a value as Python, with double quotes as Glue Studio has them."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(literal, value)) + ")"
    return repr(value)


def path_text(path: list[str]) -> str:
    """Write a path as awsglue reads it: a name with other signs than letters, digits and _ stands in backticks."""
    return ".".join("`" + part.replace("`", "``") + "`" if re.search(r"\W", part) else part for part in path)


def need(node: Node, path: list[str], columns: Columns | None) -> str:
    """Return a path's text. Raises WrongGraph when the input has no such column."""
    if not path:
        raise node.wrong("a path is empty.")
    if columns is not None and path[0] not in columns:
        raise node.wrong(f"its input has no column {path[0]}; it has {', '.join(columns)}.")
    return path_text(path)


def described(node: Node) -> list[Columns]:
    """Return the columns of each of the node's OutputSchemas."""
    return [
        {column["Name"]: column.get("Type", "") for column in schema.get("Columns", [])}
        for schema in node.given.get("OutputSchemas", [])
    ]


# --- sources ----------------------------------------------------------------------------------------------------------


def catalog_source(node: Node) -> Made:
    database, table = node.given["Database"], node.given["Table"]
    call = f"database={literal(database)}, table_name={literal(table)}"
    if node.given.get("PartitionPredicate"):
        call += f", push_down_predicate={literal(node.given['PartitionPredicate'])}"
    code = f"{node.variable} = glueContext.create_dynamic_frame.from_catalog({call}, {node.context})"
    found = node.tables(database, table)
    columns = found.get("StorageDescriptor", {}).get("Columns", []) + found.get("PartitionKeys", [])
    return Made(code, {column["Name"]: column.get("Type", "") for column in columns})


def json_source(node: Node) -> Made:
    return _s3_source(node, "json", {"multiline": node.given.get("Multiline", False)})


def csv_source(node: Node) -> Made:
    given = node.given
    if given["QuoteChar"] not in QUOTES:
        raise node.wrong(f"QuoteChar {given['QuoteChar']} is not part of the local AWS.")
    options = {"quoteChar": QUOTES[given["QuoteChar"]], "withHeader": given.get("WithHeader", False)}
    options["separator"] = SEPARATORS[given["Separator"]]
    if given.get("Multiline"):
        options["multiline"] = True
    return _s3_source(node, "csv", options)


def parquet_source(node: Node) -> Made:
    return _s3_source(node, "parquet", {})


def _s3_source(node: Node, file_format: str, options: dict[str, Any]) -> Made:
    places: dict[str, Any] = {"paths": node.given["Paths"], "recurse": node.given.get("Recurse", False)}
    if node.given.get("Exclusions"):
        places["exclusions"] = [pattern for text in node.given["Exclusions"] for pattern in _patterns(text)]
    call = f'format_options={literal(options)}, connection_type="s3", format="{file_format}"'
    call += f", connection_options={literal(places)}"
    code = f"{node.variable} = glueContext.create_dynamic_frame.from_options({call}, {node.context})"
    schemas = described(node)
    return Made(code, schemas[0] if schemas else None)


def _patterns(text: str) -> list[str]:
    """Read one of Exclusions: a glob pattern, or the JSON list of them that the API's page shows."""
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [text]


# --- transforms -------------------------------------------------------------------------------------------------------


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


def _whole_columns(node: Node, paths: list[list[str]]) -> list[str]:
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
    columns = _whole_columns(node, node.given.get("Columns", []))
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
    index, members = node.given["Index"], node.source.members
    columns = members[index] if index < len(members) else None
    call = f"dfc={node.source.variable}, key=list({node.source.variable}.keys())[{index}], {node.context}"
    return Made(f"{node.variable} = SelectFromCollection.apply({call})", columns)


# --- targets ----------------------------------------------------------------------------------------------------------


def direct_target(node: Node) -> Made:
    return _s3_target(node, node.given["Format"], node.given["Format"], node.given.get("Compression"))


def glue_parquet_target(node: Node) -> Made:
    return _s3_target(node, "parquet", "glueparquet", node.given.get("Compression", "snappy"))


def _s3_target(node: Node, kind: str, written: str, compression: str | None) -> Made:
    if kind not in COMPRESSIONS:
        raise node.wrong(f"the format {kind} is not part of the local AWS; it has {', '.join(COMPRESSIONS)}.")
    if compression and compression not in COMPRESSIONS[kind]:
        known = ", ".join(sorted(COMPRESSIONS[kind]))
        raise node.wrong(f"the compression {compression} of {kind} is not part of the local AWS; it has {known}.")
    frame, keys, policy = node.source.variable, _partition_keys(node), node.given.get("SchemaChangePolicy", {})
    packed = {"compression": compression} if compression else {}
    if not policy.get("EnableUpdateCatalog"):
        in_format = packed if kind == "parquet" else {}  # the others have it in the connection's options
        place = {"path": node.given["Path"], **({} if in_format else packed), "partitionKeys": keys}
        format_options = f", format_options={literal(in_format)}" if in_format else ""
        call = f'frame={frame}, connection_type="s3", format="{written}", connection_options={literal(place)}'
        code = f"glueContext.write_dynamic_frame.from_options({call}{format_options}, {node.context})"
        return Made(f"{node.variable} = {code}")
    if not policy.get("Database") or not policy.get("Table"):
        raise node.wrong("SchemaChangePolicy.EnableUpdateCatalog needs a Database and a Table.")
    options: dict[str, Any] = {"path": node.given["Path"], "connection_type": "s3"}
    options |= {"updateBehavior": policy.get("UpdateBehavior", "UPDATE_IN_DATABASE"), "partitionKeys": keys}
    options |= packed | {"enableUpdateCatalog": True}
    call = ", ".join(f"{key}={literal(value)}" for key, value in options.items())
    table = f"catalogDatabase={literal(policy['Database'])}, catalogTableName={literal(policy['Table'])}"
    lines = [
        f"{node.variable} = glueContext.getSink({call}, {node.context})",
        f"{node.variable}.setCatalogInfo({table})",
        f'{node.variable}.setFormat("{written}")',
        f"{node.variable}.writeFrame({frame})",
    ]
    return Made("\n".join(lines))


def catalog_target(node: Node) -> Made:
    database, table = node.given["Database"], node.given["Table"]
    policy, keys = node.given.get("SchemaChangePolicy", {}), _partition_keys(node)
    own = [key["Name"] for key in node.tables(database, table).get("PartitionKeys", [])]
    if keys and keys != own:
        raise node.wrong(
            f"its PartitionKeys are {', '.join(keys)}, those of {database}.{table} are {', '.join(own) or 'none'}."
        )
    options: dict[str, Any] = {}
    if policy.get("EnableUpdateCatalog"):
        options = {"enableUpdateCatalog": True}
        options["updateBehavior"] = policy.get("UpdateBehavior", "UPDATE_IN_DATABASE")
    options |= {"partitionKeys": keys} if keys else {}
    call = f"frame={node.source.variable}, database={literal(database)}, table_name={literal(table)}"
    call += f", additional_options={literal(options)}" if options else ""
    return Made(f"{node.variable} = glueContext.write_dynamic_frame.from_catalog({call}, {node.context})")


def _partition_keys(node: Node) -> list[str]:
    return _whole_columns(node, node.given.get("PartitionKeys", []))


# --- the kinds --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A kind of node: its function, and the members that it may have besides Name and Inputs."""

    make: Callable[[Node], Made]
    members: frozenset[str]
    inputs: int = 1  # 0 for a source; many (1 or more) is -1
    takes_collection: bool = False
    gives_collection: bool = False
    is_target: bool = False


def _kind(make: Callable[[Node], Made], members: str, **more: Any) -> Kind:
    return Kind(make, frozenset(members.split()), **more)


FILES = "Paths Recurse Exclusions OutputSchemas"
KINDS = {
    "S3CatalogSource": _kind(catalog_source, "Database Table PartitionPredicate", inputs=0),
    "CatalogSource": _kind(catalog_source, "Database Table PartitionPredicate OutputSchemas", inputs=0),
    "S3JsonSource": _kind(json_source, f"{FILES} Multiline", inputs=0),
    "S3CsvSource": _kind(csv_source, f"{FILES} Multiline Separator QuoteChar WithHeader", inputs=0),
    "S3ParquetSource": _kind(parquet_source, FILES, inputs=0),
    "ApplyMapping": _kind(apply_mapping, "Mapping"),
    "SelectFields": _kind(select_fields, "Paths"),
    "DropFields": _kind(drop_fields, "Paths"),
    "RenameField": _kind(rename_field, "SourcePath TargetPath"),
    "SplitFields": _kind(split_fields, "Paths", gives_collection=True),
    "DropDuplicates": _kind(drop_duplicates, "Columns"),
    "Join": _kind(join, "JoinType Columns", inputs=2),
    "Union": _kind(union, "UnionType", inputs=2),
    "Filter": _kind(filter_rows, "LogicalOperator Filters"),
    "Aggregate": _kind(aggregate, "Groups Aggs"),
    "SparkSQL": _kind(spark_sql, "SqlQuery SqlAliases OutputSchemas", inputs=-1),
    "CustomCode": _kind(custom_code, "Code ClassName OutputSchemas", inputs=-1, gives_collection=True),
    "SelectFromCollection": _kind(select_from_collection, "Index", takes_collection=True),
    "S3DirectTarget": _kind(direct_target, "Path Format PartitionKeys Compression SchemaChangePolicy", is_target=True),
    "S3GlueParquetTarget": _kind(
        glue_parquet_target, "Path PartitionKeys Compression SchemaChangePolicy", is_target=True
    ),
    "S3CatalogTarget": _kind(catalog_target, "Database Table PartitionKeys SchemaChangePolicy", is_target=True),
    "CatalogTarget": _kind(catalog_target, "Database Table PartitionKeys", is_target=True),
}
REFUSED = {
    "FillMissingValues": "FillMissingValues learns from the data with a machine learning service of AWS, which is not"
    " part of the local AWS; fill values with a SQL or a CustomCode node.",
}

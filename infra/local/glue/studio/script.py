"""The script of a visual job: CodeGenConfigurationNodes (a graph of nodes) to Python.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import get_service_model

from infra.local.glue.studio.node import Frame, Made, Node, Tables, WrongGraph
from infra.local.glue.studio.nodes import KINDS, REFUSED

IMPORTS = [
    "import sys",
    "from awsglue.transforms import *",
    "from awsglue.utils import getResolvedOptions",
    "from pyspark.context import SparkContext",
    "from awsglue.context import GlueContext",
    "from awsglue.job import Job",
]
START = """\
args = getResolvedOptions(sys.argv, ['JOB_NAME'])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
"""


def script(nodes: dict[str, dict[str, Any]], tables: Tables) -> str:
    """Return the script of a graph.

    Parameters
    ----------
    nodes: node id → a structure with one member, the kind of node
    tables: gives a catalog table (database, table) as GetTable does; raises WrongGraph when it is not there

    Raises WrongGraph; ValidationException for a value that the API does not have.
    """
    shape = get_service_model("glue").shape_for("CodeGenConfigurationNode")
    for node_id, content in nodes.items():
        _check_enums(content, shape, node_id)
    given = {node_id: _content(node_id, node) for node_id, node in nodes.items()}
    frames: dict[str, Frame] = {}
    made: dict[str, Made] = {}
    variables: dict[str, str] = {}
    for node_id in _order(given):
        kind, content = given[node_id]
        inputs = tuple(frames[each] for each in content.get("Inputs", []))
        node = Node(node_id, content, inputs, tables)
        if node.variable in variables:
            raise WrongGraph(f"Nodes {variables[node.variable]} and {node_id} would both be {node.variable}.")
        variables[node.variable] = node_id
        made[node_id] = KINDS[kind].make(node)
        frames[node_id] = Frame(node.variable, made[node_id].columns, made[node_id].members)
    _check_class_names(given)
    blocks = [_head(list(made.values()))]
    for node_id, part in made.items():
        name = " ".join(given[node_id][1]["Name"].split())
        blocks.append(f"# Script generated for node {name}\n{part.code}\n")
    return "\n".join([*blocks, "job.commit()\n"])


def _check_enums(value: Any, shape: Any, path: str) -> None:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check_enums(value[name], member, f"{path}.{name[:1].lower()}{name[1:]}")
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            _check_enums(item, shape.member, f"{path}.{number}.member")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        raise JsonRESTError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at 'codeGenConfigurationNodes.{path}' failed to satisfy"
            f" constraint: Member must satisfy enum value set: [{', '.join(shape.enum)}]",
        )


def _head(parts: list[Made]) -> str:
    imports = list(dict.fromkeys([*IMPORTS, *(each for part in parts for each in part.imports)]))
    functions = dict.fromkeys(part.function for part in parts if part.function)
    return "\n".join([*imports, "", *functions, START])


def _content(node_id: str, node: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a node's kind and what is given for it. Raises WrongGraph for what cannot run here."""
    kinds = [kind for kind, content in node.items() if content is not None]
    if len(kinds) != 1:
        raise WrongGraph(f"Node {node_id} must have exactly one kind, and has {', '.join(kinds) or 'none'}.")
    kind, content = kinds[0], node[kinds[0]]
    if kind not in KINDS:
        raise WrongGraph(f"Node {node_id}: " + REFUSED.get(kind, f"{kind} is not part of the local AWS."))
    extra = {name for name, value in content.items() if _is_set(value)} - KINDS[kind].members - {"Name", "Inputs"}
    if extra:
        raise WrongGraph(f"Node {node_id} ({kind}): {', '.join(sorted(extra))} is not part of the local AWS.")
    return kind, content


def _is_set(value: Any) -> bool:
    """Tell whether a member says anything: Glue Studio stores empty structures and switches that are off, too."""
    if isinstance(value, dict):
        return any(map(_is_set, value.values()))
    return bool(value)


def _order(given: dict[str, tuple[str, dict[str, Any]]]) -> list[str]:
    """Return the ids, inputs first. Raises WrongGraph when the nodes do not fit together."""
    for node_id, (kind, content) in given.items():
        inputs, wanted = content.get("Inputs", []), KINDS[kind].inputs
        if wanted == -1 and not inputs:
            raise WrongGraph(f"Node {node_id} ({kind}) needs 1 or more inputs and has 0.")
        if wanted != -1 and len(inputs) != wanted:
            raise WrongGraph(f"Node {node_id} ({kind}) needs {wanted} inputs and has {len(inputs)}.")
        for each in inputs:
            _check_input(node_id, each, given)
    graph = {node_id: content.get("Inputs", []) for node_id, (_, content) in given.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise WrongGraph(f"The nodes form a cycle: {' -> '.join(error.args[1])}.") from None


def _check_input(node_id: str, source: str, given: dict[str, tuple[str, dict[str, Any]]]) -> None:
    kind, content = given[node_id]
    if source not in given:
        raise WrongGraph(f"Node {node_id} has the input {source}, which is not a node.")
    source_kind, source_content = given[source]
    parent, name = source_content["Name"], content["Name"]
    if KINDS[source_kind].is_target:
        raise WrongGraph(f"Node {name} has the input {parent}, which is a target.")
    if KINDS[source_kind].gives_collection and not KINDS[kind].takes_collection:
        raise WrongGraph(
            f"Parent node {parent} outputs a collection, but node {name} does not accept a collection."
            " Put a SelectFromCollection node between them."
        )
    if KINDS[kind].takes_collection and not KINDS[source_kind].gives_collection:
        raise WrongGraph(f"Parent node {parent} outputs one frame, but node {name} needs a collection.")
    if source_kind == "SplitFields" and content["Index"] > 1:
        raise WrongGraph(f"Node {name}: Index {content['Index']} is too high; {parent} outputs the frames 0 and 1.")


def _check_class_names(given: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Raise WrongGraph when a function of custom code would take the place of another."""
    owners: dict[str, str] = {}
    for kind, content in given.values():
        if kind != "CustomCode":
            continue
        owner = owners.setdefault(content["ClassName"], content["Name"])
        if owner != content["Name"]:
            raise WrongGraph(f"Node {content['Name']}: ClassName {content['ClassName']} is taken by node {owner}.")

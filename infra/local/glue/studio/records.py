"""Nodes about whole records: fields without values left out, a sample written, two sets merged by their keys.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-visual-job-api.html
"""

from __future__ import annotations

from infra.local.glue.studio.node import DYNAMIC_FRAME, SQL_FUNCTIONS, Made, Node, literal, need

DROP_NULLS = """\
def dropNulls(glueContext, frame, nulls, transformation_ctx) -> DynamicFrame:
    df = DropNullFields.apply(frame=frame).toDF()
    has_value = lambda name: ~SqlFuncs.col(f"`{name}`").cast("string").isin(nulls)
    kept = [f"`{name}`" for name in df.columns if df.where(has_value(name)).limit(1).count()]
    return DynamicFrame.fromDF(df.select(*kept), glueContext, transformation_ctx)
"""
BOXES = {"IsEmpty": "", "IsNullString": "null", "IsNegOne": "-1"}


def drop_null_fields(node: Node) -> Made:
    boxes = node.given.get("NullCheckBoxList") or {}
    nulls = [text for box, text in BOXES.items() if boxes.get(box)]
    nulls += [each["Value"] for each in node.given.get("NullTextList") or []]
    frame = node.source.variable
    if not nulls:
        return Made(f"{node.variable} = DropNullFields.apply(frame={frame}, {node.context})")
    code = f"{node.variable} = dropNulls(glueContext, frame={frame}, nulls={literal(nulls)}, {node.context})"
    return Made(code, imports=(DYNAMIC_FRAME, SQL_FUNCTIONS), function=DROP_NULLS)


def spigot(node: Node) -> Made:
    options = {option: node.given[name] for name, option in (("Topk", "topk"), ("Prob", "prob")) if name in node.given}
    call = f"frame={node.source.variable}, path={literal(node.given['Path'])}, options={literal(options)}"
    return Made(f"{node.variable} = Spigot.apply({call}, {node.context})", node.source.columns)


def merge(node: Node) -> Made:
    """The source's records, those replaced whose keys the other input, the staging one, has too."""
    source = node.given["Source"]
    if source not in node.given["Inputs"]:
        raise node.wrong(f"Source {source} is not one of its inputs.")
    keys = node.given["PrimaryKeys"]
    if not keys:
        raise node.wrong("PrimaryKeys is empty.")
    for frame in node.inputs:
        texts = [need(node, path, frame.columns) for path in keys]
    at = node.given["Inputs"].index(source)
    call = f"stage_dynamic_frame={node.inputs[1 - at].variable}, primary_keys={literal(texts)}, {node.context}"
    return Made(f"{node.variable} = {node.inputs[at].variable}.mergeDynamicFrame({call})")

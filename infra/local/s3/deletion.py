"""DeleteObjects where the caller may delete some of the objects: those are deleted, of each other the answer tells an error.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from __future__ import annotations

from xml.etree import ElementTree

from infra.local.s3.documents import name_of

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
ElementTree.register_namespace("", NAMESPACE)  # written without a prefix
Named = tuple[str, str]  # key, version ("" for none)


def without(body: bytes, refused: list[Named]) -> bytes:
    """Return the request without the objects that the caller may not delete."""
    root = ElementTree.fromstring(body)
    for element in list(root):
        if name_of(element) == "Object" and _named(element) in refused:
            root.remove(element)
    return ElementTree.tostring(root)


def with_errors(body: bytes, refused: list[Named]) -> bytes:
    """Return the answer with an error for each of these objects."""
    root = ElementTree.fromstring(body)
    prefix = root.tag[: -len(name_of(root))]
    for key, version in refused:
        error = ElementTree.SubElement(root, f"{prefix}Error")
        values = {"Key": key, "VersionId": version, "Code": "AccessDenied", "Message": "Access Denied"}
        for name, value in values.items():
            if value:
                ElementTree.SubElement(error, f"{prefix}{name}").text = value
    return ElementTree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _named(element: ElementTree.Element) -> Named:
    values = {name_of(child): child.text or "" for child in element}
    return values.get("Key", ""), values.get("VersionId", "")

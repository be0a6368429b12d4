"""What moves in JupyterLab while one looks: the live lake's numbers, DataBrew's grid, and the colours of an execution."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from helpers.machine import COLOURS
from infra.kernels import install
from tests.browser import pages
from tests.conftest import Server
from tests.local.databrew.brew_lab import JOIN, UPPER, BrewLab
from tests.polling import until
from tests.service_roles import service_role

pytestmark = pytest.mark.timeout(180)
page = pages.page
ACCOUNT = "299999999903"
STREAM = "analytics-workshop-stream"
LIVE = "from helpers.live_lake import live_lake\n_ = live_lake(seconds=120, every=0.5)"
GRID = "import boto3\nfrom helpers.brew_grid import Grid\nGrid(boto3.client('databrew'), 'moving', '{session}')"
MACHINE = """import boto3
from helpers.machine import watch_machine
states = boto3.client("stepfunctions")
arn = states.start_execution(stateMachineArn="{machine}")["executionArn"]
watch_machine(states, arn, "Two states, one after the other", every=0.2)"""
DEFINITION = {
    "StartAt": "First",
    "States": {"First": {"Type": "Wait", "Seconds": 3, "Next": "Last"}, "Last": {"Type": "Pass", "End": True}},
}


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return lambda service: server.client(service, ACCOUNT)


@pytest.fixture(scope="module")
def address(server: Server, client: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A notebook with the three pictures, and what they show."""
    client("kinesis").create_stream(StreamName=STREAM, ShardCount=2)
    session = BrewLab(client).open_project("moving", JOIN, UPPER)
    role = service_role(client, "states")
    made = client("stepfunctions").create_state_machine(name="two", roleArn=role, definition=json.dumps(DEFINITION))
    cells = (LIVE, GRID.format(session=session), MACHINE.format(machine=made["stateMachineArn"]))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    cloud = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    install.install_python_kernel()
    kernel = {"name": install.PYTHON_KERNEL, "display_name": "Python (Analytics Workshop)", "language": "python"}
    with pages.notebook_in_lab(tmp_path_factory.mktemp("lab"), cells, kernel, clean | cloud) as opened:
        yield opened


def put(client: Any, count: int) -> None:
    records = [{"Data": b"{}", "PartitionKey": str(number)} for number in range(count)]
    assert client("kinesis").put_records(StreamName=STREAM, Records=records)["FailedRecordCount"] == 0


def amount_of(picture: str, state: str) -> int:
    """How many pixels of an execution's picture have the colour of a state."""
    pixels = plt.imread(io.BytesIO(base64.b64decode(picture.partition(",")[2])))[:, :, :3]
    return int((abs(pixels - to_rgb(COLOURS[state])) < 0.01).all(axis=2).sum())


def test_what_is_live_moves(address, page, client, tmp_path):
    page.goto(address, timeout=60_000)
    page.get_by_text("Python (Analytics Workshop) | Idle").wait_for(timeout=60_000)

    # the live lake: records on an arrow, streams in a box, the price of an hour
    lake = pages.run_cell(page, 0).locator("img[alt^='The lake now']")
    lake.wait_for(timeout=60_000)
    drawn = lambda: base64.b64decode(lake.get_attribute("src").partition(",")[2]).decode()  # noqa: E731
    assert "1 stream, 2 shards" in drawn() and "0.030 USD an hour" in drawn()
    put(client, 200)
    until(lambda: re.search(r"[1-9]\d*/s", drawn()), "records on the arrow")
    client("kinesis").create_stream(StreamName="analytics-workshop-second", ShardCount=1)
    until(lambda: "2 streams, 3 shards" in drawn(), "the second stream")
    assert "0.045 USD an hour" in drawn()
    assert "2 streams, 3 shards" in lake.get_attribute("alt")

    # the grid: type, quality bar and distribution of each column, the recipe beside it, and a slider through its steps
    grid = pages.run_cell(page, 1)
    heading = grid.locator("th", has_text="intensity")
    heading.wait_for(timeout=60_000)
    assert heading.inner_text().split()[:2] == ["#", "intensity"]
    assert heading.get_by_label("67 % present, 1 missing, 2 distinct").count() == 1
    assert heading.locator("img[alt^='Distribution']").evaluate("image => image.naturalWidth") == 90
    panel = grid.locator(".brew-recipe").inner_text()
    assert "JOIN: INNER_JOIN with reference-data-dataset" in panel and "UPPER_CASE: uuid" in panel
    assert grid.locator("tbody tr td").first.inner_text() == "A"
    page.screenshot(path=str(tmp_path / "grid.png"))
    grid.locator(".brew-step .noUi-handle").focus()
    page.keyboard.press("ArrowLeft")
    until(lambda: grid.locator("tbody tr td").first.inner_text() == "a", "the frame before the last step")

    # the execution: one picture, coloured anew while it runs
    shown = pages.run_cell(page, 2).locator("img")
    shown.wait_for(timeout=60_000)
    until(lambda: amount_of(shown.get_attribute("src"), "running") > 1000, "the first state in colour")
    assert amount_of(shown.get_attribute("src"), "done") == 0
    until(lambda: amount_of(shown.get_attribute("src"), "done") > 2000, "the end")
    assert amount_of(shown.get_attribute("src"), "running") == 0
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    page.screenshot(path=str(tmp_path / "pictures.png"))

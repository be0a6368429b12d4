"""The Flink kernel as a learner sees it in JupyterLab: rows change on the screen, charts, Stop, forms, and the link to Flink's web page."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest

from infra.engines.flink import environment
from infra.kernels.flink import install
from tests.browser import pages
from tests.conftest import Server
from tests.kernels.test_flink_kernel import STREAM, kernel_environment, raw_stream_table
from tests.polling import until

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not environment.is_made(), reason="the Flink environment is not made: workshop setup makes it"),
]
page = pages.page
ACCOUNT = "299999999902"
PARAGRAPH = """%flink.ssql(type=update)
SELECT activity_type, count(*) as activity_cnt FROM raw_stream group by activity_type;"""
FORMS = """name = z.input("activity", "Running")
size = z.select("window", [(1, "one minute"), (2, "two minutes")], 2)
print("chosen:", name, size)"""
CELLS = (PARAGRAPH, 'print("the kernel is", "idle")', FORMS)


@pytest.fixture(scope="module")
def kinesis(server: Server):
    """A client of an account that has the workshop's stream and its table."""
    kinesis, glue = (server.client(name, ACCOUNT) for name in ("kinesis", "glue"))
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
    glue.create_database(DatabaseInput={"Name": "analyticsworkshopdb"})
    glue.create_table(DatabaseName="analyticsworkshopdb", TableInput=raw_stream_table())
    return kinesis


def put(kinesis, activity: str, count: int) -> None:
    record = {"Data": json.dumps({"device_ts": "2026-11-24 05:00:00.000", "activity_type": activity})}
    records = [record | {"PartitionKey": str(number)} for number in range(count)]
    assert kinesis.put_records(StreamName=STREAM, Records=records)["FailedRecordCount"] == 0


@pytest.fixture(scope="module")
def lab(server: Server, tmp_path_factory) -> Iterator[str]:
    """JupyterLab with one notebook of the kernel; the notebook's address."""
    home = tmp_path_factory.mktemp("lab")
    kernel = {"name": install.NAME, "display_name": install.DISPLAY_NAME, "language": "python"}
    environment = kernel_environment(server.endpoint, ACCOUNT, home / "workshop")
    with pages.notebook_in_lab(home, CELLS, kernel, environment) as address:
        yield address


def open_notebook(page, address: str) -> None:
    page.goto(address, timeout=60_000)
    page.get_by_text(f"{install.DISPLAY_NAME} | Idle").wait_for(timeout=60_000)


def rows(output) -> list[str]:
    """The table's rows as they are on the screen."""
    return [" ".join(text.split()) for text in output.locator("tbody tr").all_inner_texts()]


def job_state(link: str) -> str:
    """The state of a job from Flink's REST API; `link` is that of its web page."""
    web, _, job = re.fullmatch(r"(http://127\.0\.0\.1:\d+)(/#/job)/(\w+)/overview", link).groups()
    with urllib.request.urlopen(f"{web}/jobs/{job}", timeout=10) as answer:
        return json.load(answer)["state"]


def test_a_paragraph_lives_on_the_screen_until_stop(lab, page, kinesis, tmp_path):
    open_notebook(page, lab)
    output = pages.run_cell(page, 0)
    output.get_by_text("no row has come yet").wait_for(timeout=60_000)

    put(kinesis, "Running", 30)
    put(kinesis, "Sitting", 20)
    until(lambda: rows(output) == ["Running 30", "Sitting 20"])
    put(kinesis, "Sitting", 15)
    until(lambda: rows(output) == ["Running 30", "Sitting 35"])
    page.screenshot(path=str(tmp_path / "table.png"))

    output.locator(".lm-TabBar-tabLabel", has_text=re.compile("^bar$")).click()
    picture = output.locator("img")
    picture.wait_for(timeout=60_000)
    before, alt = picture.get_attribute("src"), picture.get_attribute("alt")
    assert alt.startswith(
        "activity_cnt is highest for Sitting (35), lowest for Running (30). bar chart of activity_cnt"
    )
    put(kinesis, "Walking", 50)
    until(lambda: "highest for Walking (50)" in picture.get_attribute("alt"))
    assert picture.get_attribute("src") != before
    page.screenshot(path=str(tmp_path / "bar.png"))

    link = output.get_by_role("link", name="job in Flink's web page")
    address = link.get_attribute("href")
    assert job_state(address) == "RUNNING"
    with page.expect_popup() as popup:
        link.click()
    popup.value.get_by_text("Job Graph").or_(popup.value.get_by_text("Overview")).first.wait_for(timeout=60_000)

    output.locator("button", has_text="Stop").click()
    output.get_by_text("Stopped.").wait_for(timeout=60_000)
    until(lambda: job_state(address) == "CANCELED")  # Flink's web page is up to three seconds behind
    pages.run_cell(page, 1).get_by_text("the kernel is idle").wait_for(timeout=60_000)
    # what stays is plain: the table, and the chart that was open
    assert output.locator(".jupyter-widgets").count() == 0
    assert rows(output) == ["Running 30", "Sitting 35", "Walking 50"]
    assert output.locator("img").count() == 1
    page.screenshot(path=str(tmp_path / "stopped.png"))


def test_forms_give_what_was_chosen_last(lab, page, kinesis):
    open_notebook(page, lab)
    output = pages.run_cell(page, 2)
    output.get_by_text("chosen: Running 2").wait_for(timeout=60_000)
    output.get_by_label("activity").fill("Walking")
    output.get_by_label("activity").press("Tab")
    output.get_by_label("window").select_option("one minute")
    until(lambda: pages.run_cell(page, 2).get_by_text("chosen: Walking 1").count() == 1)

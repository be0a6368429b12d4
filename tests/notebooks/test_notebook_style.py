"""How notebooks are written: skeleton, budgets, stored outputs (reference/notebook-style.md, section 8)."""

import ast
import base64
import io
import json
import re
import statistics

import matplotlib.pyplot as plt
import pytest

from infra import project
from infra.teaching.exercise import of_chapter, yourself

NOTEBOOKS = project.chapters()
ROWS = 60  # of the longest stored output: what fits on a large screen
KERNELS = {"03": "glue_pyspark", "07": "flink-studio"}
SKELETON = [
    "**You will be able to**",
    "| Needs |",
    "**Time**",
    "**Cost**",
    "## Summary",
    "## Check yourself",
    "## What's next",
]


@pytest.fixture(params=NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def notebook(request):
    book = json.loads(request.param.read_text())
    book["path"] = request.param
    return book


def source(cell):
    return "".join(cell["source"])


def code(book):
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def text(book):
    return "\n".join(source(cell) for cell in book["cells"] if cell["cell_type"] == "markdown")


def lines(cell):
    return [line for line in source(cell).splitlines() if line.strip()]


def test_name_and_kernel(notebook):
    assert re.fullmatch(r"\d\d_[a-z_]+\.ipynb", notebook["path"].name)
    expected = KERNELS.get(notebook["path"].name[:2], "analytics-workshop")
    assert notebook["metadata"]["kernelspec"]["name"] == expected


def test_skeleton(notebook):
    prose = text(notebook)
    for part in SKELETON:
        assert part in prose, part
    headings = re.findall(r"^(#+) ", prose, re.MULTILINE)
    assert headings.count("#") == 1
    depths = [len(heading) for heading in headings]
    assert all(after - before <= 1 for before, after in zip(depths, depths[1:], strict=False))
    assert "eft running" in prose


def test_three_questions(notebook):
    questions = text(notebook).split("## Check yourself")[1].split("##")[0]
    assert len(re.findall(r"^\d\. .*\?$", questions, re.MULTILINE)) == 3


def test_cells_are_small(notebook):
    lengths = [len(lines(cell)) for cell in code(notebook)]
    assert max(lengths) <= 20
    assert statistics.median(lengths) <= 4
    assert sum(length <= 10 for length in lengths) >= 0.9 * len(lengths)


def test_prose_before_every_code_cell(notebook):
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    bare = [
        number
        for number, (before, kind) in enumerate(zip(kinds, kinds[1:], strict=False), 1)
        if kind == before == "code" and not source(notebook["cells"][number]).startswith("check(")  # below its answer
    ]
    assert bare == []


def only_magics(cell):
    """Lines for AWS's Glue kernel; they must come before the session starts, and the parameters start it."""
    return all(line.startswith(("%", "!")) for line in lines(cell))


def test_parameters_are_literals(notebook):
    tagged = [cell for cell in code(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    is_glue = notebook["metadata"]["kernelspec"]["name"] == "glue_pyspark"
    assert tagged == [cell for cell in code(notebook) if not (is_glue and only_magics(cell))][:1]
    for statement in ast.parse(source(tagged[0])).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


def test_nothing_that_stops_a_headless_run(notebook):
    for cell in code(notebook):
        for word in ("!pip", "%pip", "getpass", "input(", "endpoint_url=", "if local"):
            assert word not in source(cell)


def has_alt_as_text(notebook, cell):
    """AWS's Glue kernel writes a figure's metadata itself, so there the text stands above the figure."""
    is_glue = notebook["metadata"]["kernelspec"]["name"] == "glue_pyspark"
    printed = "".join("".join(output.get("text", "")) for output in cell["outputs"]).strip()
    return is_glue and len(printed) > 20 and printed in source(cell)


def test_outputs_are_stored(notebook):
    counts = [cell["execution_count"] for cell in code(notebook)]
    assert all(counts), "a code cell was never run: make refresh"
    for cell in notebook["cells"]:
        assert not {"papermill", "execution"} & set(cell["metadata"])
        assert "injected-parameters" not in cell["metadata"].get("tags", [])
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", "".join(output.get("text", ""))
            if "image/png" in output.get("data", {}) and not has_alt_as_text(notebook, cell):
                assert output["metadata"].get("image/png", {}).get("alt"), "a figure without alt text"


def test_exercises_have_the_one_form(notebook):
    """A question, an answer cell that sets one name to None, a one-line check; all that is right stands outside the notebook."""
    sources = [source(cell).strip() for cell in code(notebook)]
    known = {exercise.number: exercise for exercise in of_chapter(notebook["path"].name[:2])}
    asked = set(re.findall(r"\*\*Exercise (\d+\.\d+)\.?\*\*", text(notebook)))
    assert known and asked == set(known)
    for number, exercise in known.items():
        if exercise.answer:
            answers = [each for each in sources if each.startswith(f"{exercise.name} = ")]
            assert len(answers) == 1 and re.fullmatch(rf"{exercise.name} = None( *#.*)?", answers[0]), number
            check = f'check("{number}", {exercise.name})'
        else:
            check = f'check("{number}")'
        assert sources.count(check) == 1, number
        assert len(exercise.hints) >= 2 and exercise.solution.strip()
        cell = next(cell for cell in code(notebook) if source(cell).strip() == check)
        assert f"○ {number} is open" in "".join("".join(output.get("text", "")) for output in cell["outputs"]), number


def test_no_price_becomes_a_formula(notebook):
    """Two dollar signs in a paragraph are a formula for JupyterLab: prices are written as 0.44 USD."""
    assert "$" not in re.sub(r"`[^`]*`|```.*?```", "", text(notebook), flags=re.DOTALL)


def test_images_in_text_have_alt(notebook):
    assert not re.findall(r"!\[\]\(", text(notebook))
    assert "<img" not in text(notebook)


def prose_words(book):
    """Words of the text, without tables and blocks of code."""
    prose = re.sub(r"```.*?```", "", text(book), flags=re.DOTALL)
    return sum(len(line.split()) for line in prose.splitlines() if not line.startswith("|"))


def test_ten_to_twenty_words_a_line_of_code(notebook):
    """The cells of exercises, a name set to None and a check, are no lines of the lesson."""
    lesson = [cell for cell in code(notebook) if not source(cell).startswith(("answer_", "check("))]
    assert 10 <= prose_words(notebook) / sum(len(lines(cell)) for cell in lesson) <= 20


def test_no_cell_says_nothing(notebook):
    """Neither an empty cell, nor one that only says "Check:" where a sentence about the result belongs."""
    for cell in notebook["cells"]:
        said = source(cell).strip(" *_:.#\n").lower()
        assert said not in ("", "check", "run it", "result", "output"), cell


def test_no_output_is_longer_than_a_screen(notebook):
    for cell in code(notebook):
        for output in cell["outputs"]:
            shown = output.get("text") or output.get("data", {}).get("text/plain", "")
            assert "".join(shown).count("\n") <= ROWS, source(cell)


def test_nothing_that_waited_stays_behind(notebook):
    for cell in code(notebook):
        for output in cell["outputs"]:
            assert not "".join(output.get("data", {}).get("text/plain", "")).startswith("Waiting:"), source(cell)


def test_nothing_lies_behind_a_stored_figure(notebook):
    """On a dark page a white slab dazzles: the corners of each picture are transparent."""
    for cell in code(notebook):
        for output in cell["outputs"]:
            if "image/png" in output.get("data", {}):
                pixels = plt.imread(io.BytesIO(base64.b64decode("".join(output["data"]["image/png"]))))
                assert pixels.shape[2] == 4 and not pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3].any(), source(cell)


def test_no_stored_output_needs_trust(notebook):
    """JupyterLab takes <svg> and scripts out of the outputs of a notebook that nobody has run here yet, as in a fresh clone."""
    for cell in code(notebook):
        for output in cell["outputs"]:
            data = output.get("data", {})
            page = "".join(data.get("text/html", ""))
            assert not re.search("<(svg|script|iframe|form)", page), source(cell)
            assert "application/javascript" not in data, source(cell)


def test_check_yourself_has_answers(notebook):
    """Three questions, three answers outside the notebook, and a word on how to see them."""
    chapter = str(int(notebook["path"].name[:2]))
    answers = yourself(chapter)
    assert len(answers) == 3 and all(len(answer.split()) >= 8 for answer in answers)
    assert f'solution("{chapter}")' in text(notebook).split("## Check yourself")[1].split("\n## ")[0]


def test_there_are_many_exercises_and_most_traps_are_done():
    """35 or more in all; at least a third of them are judged by what is on the lake, without an answer to type."""
    exercises = [exercise for path in NOTEBOOKS for exercise in of_chapter(path.name[:2])]
    assert len(exercises) >= 35
    assert sum(not exercise.answer for exercise in exercises) >= len(exercises) / 3


def test_every_trap_of_the_table_has_its_exercise():
    """The table in docs/exercises.md speaks of exercises and tests that are there, and names every one that is done on the lake's files and tables."""
    rows = [
        row for row in (project.ROOT / "docs" / "exercises.md").read_text().splitlines() if re.match(r"\|.*\d\.\d", row)
    ]
    named = [re.findall(r"\b\d{1,2}\.\d\b", row.split("|")[2]) for row in rows]
    known = {exercise.number for path in NOTEBOOKS for exercise in of_chapter(path.name[:2])}
    assert len(rows) >= 18 and all(named)
    assert {number for numbers in named for number in numbers} <= known

"""Every chapter as a learner leaves it: all exercises solved, with other events than those that are stored, with the rights of
infra/stacks/00_participant.yaml alone, by papermill in a lake of its own.
"""

import pytest

from infra import profile, project, rehearsal, run, server_process
from infra.permissions import recording
from infra.permissions.report import recorded

NOTEBOOKS = project.chapters()
SEED, MORE = 23, 11_000  # another seed, and a thousand events more than the text talks about
pytestmark = pytest.mark.timeout(1800)


def test_every_solution_is_right_with_other_events(lake, tmp_path, capsys):
    """Checks follow the data: a judge that knew only the stored numbers would fail here."""
    results = []

    def solve(notebook):
        parameters = {"seed": SEED} | ({"records": MORE} if notebook.name.startswith("01") else {})
        results.extend(run.run([notebook], tmp_path, parameters, solutions=True))

    with rehearsal.participant():
        for notebook in NOTEBOOKS:
            solve(notebook)
    assert [(result.notebook.name, result.reason) for result in results] == [(path.name, "") for path in NOTEBOOKS]
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [line.split()[:2] for line in lines] == [[path.stem, "ok"] for path in NOTEBOOKS]
    told = recorded(server_process.find(lake).endpoint, profile.ACCOUNT)
    asked = recording.of(told, recording.cells(tmp_path / path.name for path in NOTEBOOKS), recording.role_names())
    assert asked["denied"] == {}, "a role of the templates lacks a right that a chapter or a solution needs"


def test_a_second_run_in_the_same_lake_does_no_harm(lake, tmp_path):
    """The first chapters again, twice, after the last one has taken everything away."""
    for _ in range(2):
        results = run.run([path for path in NOTEBOOKS if path.name[:2] in ("01", "02")], tmp_path)
        assert [result.reason for result in results] == ["", ""]

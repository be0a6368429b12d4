"""Passwords and keys of a class, its board, the material that keeps a learner's work, and what a machine can hold."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import stat
from pathlib import Path

import pytest

from infra import handout, profile, project, server_process
from infra.classroom import board, lead, material, proxy
from infra.classroom.roster import Roster, may_enter


@pytest.fixture
def roster(tmp_path):
    made = Roster(tmp_path / "class")
    made.given = {login: password for _, login, password in made.enrol(["Ann", "Bob Or"])}
    return made


def test_passwords_are_told_once_and_kept_as_hashes(roster):
    assert set(roster.given) == {"instructor", "ann", "bob-or"}
    for path in roster.folder.glob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(password in path.read_text() for password in roster.given.values())
    assert may_enter(roster.folder, "ann", roster.given["ann"])
    assert not may_enter(roster.folder, "ann", roster.given["bob-or"])
    assert not may_enter(roster.folder, "nobody", "")
    assert roster.enrol(["Ann"]) == []  # who is there keeps account, key and password
    new = {login: password for _, login, password in roster.renew(["ann"])}
    assert not may_enter(roster.folder, "ann", roster.given["ann"]) and may_enter(roster.folder, "ann", new["ann"])


def test_each_has_an_account_and_a_key_and_who_comes_late_gets_the_next(roster):
    late = Roster(roster.folder)
    late.enrol(["Cy"])
    assert [learner.account for learner in late.learners] == ["000000000001", "000000000002", "000000000003"]
    assert len({learner.secret_key for learner in late.learners}) == 3
    assert late.learners[:2] == roster.learners
    assert [member["name"] for member in json.loads(late.members.read_text())] == ["Ann", "Bob Or", "Cy"]


@pytest.mark.parametrize("name", ["instructor", "Bob-Or", "../up", "", "x" * 41])
def test_names_that_cannot_be(roster, name):
    with pytest.raises(ValueError):
        roster.enrol([name])


def test_a_learners_folder_takes_the_place_of_a_home_of_ones_own(roster):
    home = roster.write_home(roster.learners[0], "http://127.0.0.1:9")
    profile.write(home, "http://127.0.0.1:1")  # what connect() does: in a class the key stays
    assert roster.learners[0].secret_key in profile.files(home)[1].read_text()
    assert "http://127.0.0.1:9" in profile.files(home)[0].read_text()
    with pytest.raises(server_process.LocalAwsError, match="whoever leads"):
        server_process.start(home)
    with pytest.raises(server_process.LocalAwsError, match="whole class"):
        server_process.stop(home)


@pytest.mark.skipif(importlib.util.find_spec("nbgitpuller") is None, reason="the extra `class` is not installed")
@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_new_material_comes_and_a_learners_work_is_never_lost(tmp_path, monkeypatch):
    root = tmp_path / "project"
    for name in material.FOLDERS:
        (root / name).mkdir(parents=True)
        (root / name / "one.txt").write_text("1\n")
    for name in material.FILES:
        (root / name).write_text("words\n")
    (root / "notebooks" / "two.txt").write_text("a\nb\n")
    monkeypatch.setattr(project, "ROOT", root)
    (tmp_path / "class").mkdir()
    work = tmp_path / "class" / "work"
    repository = material.publish(tmp_path / "class")
    with (
        monkeypatch.context() as another
    ):  # learners are Unix users of their own, where root leads: git asks whose the repository is
        another.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        material.pull(repository, work)
    (work / "notebooks" / "one.txt").write_text("the learner's\n")
    (work / "notebooks" / "own.txt").write_text("the learner's own\n")
    (work / "notebooks" / "two.txt").unlink()
    (root / "notebooks" / "one.txt").write_text("2\n")
    (root / "notebooks" / "own.txt").write_text("new material of the same name\n")
    material.pull(material.publish(tmp_path / "class"), work)
    assert (work / "notebooks" / "one.txt").read_text() == "the learner's\n"
    assert (work / "notebooks" / "two.txt").read_text() == "a\nb\n"  # deleted, so it comes back
    kept = sorted(path.read_text() for path in (work / "notebooks").glob("own*.txt"))
    assert kept == ["new material of the same name\n", "the learner's own\n"]


def row(account, exercise, state, tries, last):
    return {"account": account, "exercise": exercise, "state": state, "tries": tries, "first": last, "last": last}


TOLD = {
    "names": {"000000000001": "Ann <b>", "000000000002": "Bob", "000000000003": "Cy"},
    "rows": [
        row("000000000001", "1.1", "solved", 2, 990.0),
        row("000000000001", "1.2", "wrong", 3, 995.0),
        row("000000000002", "1.2", "wrong", 4, 100.0),
        row("000000000002", "1.1", "open", 0, 90.0),
    ],
    "seen": {"000000000002": 110.0},
    "now": 1000.0,
}


def test_the_board_says_who_solved_what_where_many_are_stuck_and_who_is_idle():
    page = board.page(TOLD, ["0.1", "1.1", "1.2", "2.1"])
    assert "Ann &lt;b&gt;" in page and "<b>" not in page.split("<tbody>")[1]
    assert "1.2 (2 learners)" in page
    lines = {line.split("</th>")[0]: line for line in page.split("<tr><th scope=row>")[1:]}
    assert ">now<" in lines["Ann &lt;b&gt;"] and "✔" in lines["Ann &lt;b&gt;"] and "✘ 3" in lines["Ann &lt;b&gt;"]
    assert "class=idle>14 min ago" in lines["Bob"] and "○" in lines["Bob"]
    assert "not here yet" in lines["Cy"]


@pytest.mark.parametrize(
    "learners, gigabytes, cores, sessions", [(30, 25.8, 2, 8), (30, 16, 8, 2), (10, 16, 8, 11), (2, 4, 2, 3)]
)
def test_spark_sessions_by_memory_and_cores(learners, gigabytes, cores, sessions):
    assert lead.spark_sessions(learners, int(gigabytes * 1e9), cores) == sessions


def test_names_of_a_class(tmp_path):
    assert lead.names(2, None) == ["learner-01", "learner-02"]
    (tmp_path / "names").write_text("Ann\n\n Bob \n")
    assert lead.names(None, tmp_path / "names") == ["Ann", "Bob"]
    (tmp_path / "none").write_text("\n")
    with pytest.raises(ValueError, match="no name"):
        lead.names(None, tmp_path / "none")


@pytest.mark.parametrize(
    ("written", "told"),
    [(b"Ann\nBob\nAnn\n", "Ann stands more than once"), (b"\xff\xfe", "cannot be read"), (b" \n", "no name in")],
)
def test_a_file_of_names_that_is_not_right_is_told(tmp_path: Path, written: bytes, told: str) -> None:
    (tmp_path / "names").write_bytes(written)
    with pytest.raises(ValueError, match=told):
        lead.names(None, tmp_path / "names")
    with pytest.raises(ValueError, match="cannot be read: .*No such file"):
        lead.names(None, tmp_path / "missing")


def test_names_of_many_languages_become_logins(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("\ufeffO’Brien\n山田 太郎\n佐藤\nJosé Å.\n")
    roster = Roster(tmp_path / "class")
    roster.enrol(lead.names(None, tmp_path / "names"))
    assert [(each.name, each.login) for each in roster.learners] == [
        ("O’Brien", "o-brien"), ("山田 太郎", "learner-2"), ("佐藤", "learner-3"), ("José Å.", "jos")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "told"), [("999.1.1.1", "--address takes"), ("203.0.113.9", "Nothing can listen at 203.0.113.9")]
)
def test_where_nobody_can_listen_no_password_is_shown(tmp_path: Path, address: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        lead.lead(lead.Wish(["Ann"], address, 8000, None, None))


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ValueError, match="a free port"):
        lead.lead(lead.Wish(["Ann"], "127.0.0.1", other.getsockname()[1], None, None))


def test_without_node_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(proxy.shutil, "which", lambda name: None)
    with pytest.raises(proxy.NoProxy, match="apt install nodejs npm"):
        proxy.command(tmp_path)


def test_the_proxys_lock_file_has_a_checksum_for_each_package():
    lock = json.loads((proxy.HERE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert "node_modules/configurable-http-proxy" in packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


def test_the_handout_has_goals_and_figures_of_every_chapter():
    sheets = [handout.sheet(notebook) for notebook in project.chapters()]
    assert len(sheets) == 12 and all(2 <= len(sheet.goals) <= 6 and sheet.promise and sheet.time for sheet in sheets)
    assert all(sheet.figures for sheet in sheets[:-1])
    page = handout.page(sheets)
    assert page.count("<section>") == 12 and "**" not in page and 'src="http' not in page


def test_the_instructors_answers_are_those_of_the_exercises():
    from infra.teaching.exercise import find

    page = handout.answers()
    assert all(number in page for number in board.exercises())
    assert find("1.1").solution.strip() in page

"""The project's own promises: environment.yml, locked versions, the Makefile's help, the console command."""

import re
import subprocess
import sys
import tomllib

import pytest

from infra import project

PYPROJECT = tomllib.loads((project.ROOT / "pyproject.toml").read_text())


def requirement(text):
    return text.split("#")[0].strip().removeprefix("- ").strip()


def test_environment_yml_has_the_same_packages_as_pyproject():
    lines = (project.ROOT / "environment.yml").read_text().splitlines()
    listed = {requirement(line) for line in lines[lines.index("  - pip:") + 1 :] if line.strip().startswith("- ")}
    assert listed == set(PYPROJECT["project"]["dependencies"]) | {"-e ."}
    assert "  - python=3.11" in lines


def test_lock_file_has_every_package_with_hashes():
    lock = tomllib.loads((project.ROOT / "uv.lock").read_text())
    for package in lock["package"]:
        if "registry" in package["source"]:
            files = package.get("wheels", []) + ([package["sdist"]] if "sdist" in package else [])
            assert files and all(file["hash"].startswith("sha256:") for file in files), package["name"]
    locked = {package["name"] for package in lock["package"]}
    for text in PYPROJECT["project"]["dependencies"]:
        assert re.match(r"[A-Za-z0-9._-]+", text)[0].lower().replace("_", "-").replace(".", "-") in locked


def test_top_level_is_the_design():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=project.ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    top = {path.split("/")[0] for path in tracked}
    allowed = {
        "README.md", "README.ja.md", "environment.yml", "pyproject.toml", "uv.lock", "Makefile", ".ci", "LICENSE", "CONTRIBUTING.md",
        "notebooks", "helpers", "infra", "data", "tests", "docs", ".gitignore",
        "CITATION.cff", "CODE_OF_CONDUCT.md", ".github", ".devcontainer", "postBuild", "start",
    }  # fmt: skip
    assert top <= allowed


@pytest.mark.parametrize("target", ["workshop", "test", "check", "lab", "site", "bench", "clean", "help"])
def test_make_help_names_every_command(target):
    output = subprocess.run(["make", "help"], cwd=project.ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^{target}\b", output, re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    ["lab", "run", "status", "stop", "reset", "doctor", "env", "start", "setup", "deploy", "refresh", "leftovers"],
)
def test_console_command_explains_itself(command):
    output = subprocess.run([sys.executable, "-m", "infra.cli", command, "--help"], capture_output=True, text=True)
    assert output.returncode == 0
    assert len(output.stdout.splitlines()) >= 3


def test_unknown_chapter_is_one_sentence():
    output = subprocess.run([sys.executable, "-m", "infra.cli", "run", "77"], capture_output=True, text=True)
    assert output.returncode == 1
    assert output.stderr.startswith("There is no chapter '77'. Chapters: 00")


def test_no_secrets_and_no_machine_paths_in_tracked_text():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=project.ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if name.endswith((".py", ".yaml", ".yml", ".ipynb", ".md", ".json", ".toml")):
            text = (project.ROOT / name).read_text()
            for key in re.findall(r"AKIA[0-9A-Z]{16}", text):
                assert key == "AKIAIOSFODNN7EXAMPLE", name
            assert str(project.ROOT) + "/" not in text or name.startswith("tests/"), name


def test_readme_lists_every_notebook():
    listed = re.findall(
        r"^\| \[\d\d [^]]+\]\(notebooks/(.+?)\)", (project.ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert listed == [path.name for path in project.chapters()]

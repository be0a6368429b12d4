"""AWS's actions, frozen; `freeze.py` makes the file anew."""

from pathlib import Path

FROZEN = Path(__file__).with_name("actions.json")

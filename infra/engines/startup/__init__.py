"""What Python runs first in an engine's processes, which have FOLDER on their PYTHONPATH."""

from pathlib import Path

FOLDER = Path(__file__).parent

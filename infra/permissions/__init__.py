"""What roles may, what they used of it, and what they were denied: `workshop permissions`, and the proof over a whole run.

`recorded.json` is what the chapters asked for, `needed.yaml` what AWS needs though nothing here asks for it.
"""

from infra.permissions.report import Report, granted, of, recorded

__all__ = ["Report", "granted", "of", "recorded"]

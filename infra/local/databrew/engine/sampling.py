"""The samples that projects and profile jobs work on."""

from .errors import StepRefused
from .frame import Frame


def sample(frame: Frame, kind: str = "FIRST_N", size: int = 500, seed: int = 0) -> Frame:
    """Some rows of a frame, in their order, stored.

    Parameters
    ----------
    kind : FIRST_N, LAST_N or RANDOM (API: Sample.Type).
    size : how many rows at most.
    seed : of RANDOM: the same seed picks the same rows.

    Raises
    ------
    StepRefused : an unknown kind.
    """
    if kind == "FIRST_N":
        picked = f"SELECT * FROM {frame.source} ORDER BY row LIMIT {size}"
    elif kind == "LAST_N":
        picked = f"SELECT * FROM {frame.source} ORDER BY row DESC LIMIT {size}"
    elif kind == "RANDOM":
        picked = f"SELECT * FROM {frame.source} ORDER BY hash(row, {seed}) LIMIT {size}"
    else:
        raise StepRefused(f"Invalid sample type {kind}.")
    return frame.over(picked, frame.columns).stored()

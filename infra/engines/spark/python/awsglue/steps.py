"""What every DynamicFrame has: its DataFrame, its error records, and the steps that make the next frame of it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from pyspark.sql import DataFrame

from awsglue import errors

PAGE = "aws-glue-api-crawler-pyspark-extensions-dynamic-frame"
# what every step takes, behind its own positional parameters
STEP = {"transformation_ctx": "", "info": "", "stageThreshold": 0, "totalThreshold": 0}


class Made(NamedTuple):
    """What a step makes, where that is more than a DataFrame."""

    df: DataFrame | Callable[[], DataFrame]
    failed: DataFrame | Callable[[], DataFrame] | None = None  # the records that it failed on (errors.FAILED)
    other: "Frame | None" = None  # another frame that went into it, with error records of its own


def step(operation: Callable) -> Callable:
    """Make a method that computes a DataFrame, a Made or DataFrames by name one that returns a DynamicFrame or a collection.

    It takes the parameters STEP too: name, text for error records, and the numbers of errors at which actions fail.
    """
    own = list(inspect.signature(operation).parameters.values())
    behind = next((i for i, p in enumerate(own) if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD)), len(own))
    common = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=d) for n, d in STEP.items()]
    signature = inspect.Signature([*own[:behind], *common, *own[behind:]])

    @functools.wraps(operation)
    def run(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        frame, step = given.arguments["self"], {name: given.arguments.pop(name) for name in STEP}
        result = operation(*given.args, **given.kwargs)
        if isinstance(result, dict):
            frames = {name: frame._next(df, **step | {"transformation_ctx": name}) for name, df in result.items()}
            return frame._collection(frames)
        return frame._next(result, **step)

    vars(run)["__signature__"] = signature
    return run


class Frame:
    """A frame of self-describing records.

    Args:
        jdf: the DataFrame, or a function without arguments that gives it when it is first needed.
        glue_ctx: the GlueContext.
        name: a name.
        errors: frames of error records (ERROR_SCHEMA) of earlier steps.
        stage_errors: the frame of this step's own error records, or a function that gives it.
        stage_threshold, total_threshold: number of errors (of this step, of all) at which actions fail; 0 means never.
    """

    def __init__(
        self,
        jdf: DataFrame | Callable[[], DataFrame],
        glue_ctx,
        name: str = "",
        errors: tuple = (),
        stage_errors: DataFrame | Callable[[], DataFrame] | None = None,
        stage_threshold: int = 0,
        total_threshold: int = 0,
    ):
        self.glue_ctx = glue_ctx
        self.name = name
        self._df = jdf
        self._errors = errors
        self._stage_errors = stage_errors
        self._stage_threshold, self._total_threshold = stage_threshold, total_threshold

    @property
    def df(self) -> DataFrame:
        """The DataFrame with marked choices."""
        if not isinstance(self._df, DataFrame):
            self._df = self._df()
        return self._df

    def _next(
        self,
        made: DataFrame | Callable[[], DataFrame] | Made,
        transformation_ctx: str,
        info: str,
        stageThreshold: int,
        totalThreshold: int,
    ) -> Self:
        made = made if isinstance(made, Made) else Made(made)
        earlier = self._all_errors() + (made.other._all_errors() if made.other else ())
        failed, own = made.failed, None
        if failed is not None:
            own = lambda: errors.records(failed() if callable(failed) else failed, info)  # noqa: E731
        name = transformation_ctx or self.name
        return type(self)(made.df, self.glue_ctx, name, earlier, own, stageThreshold, totalThreshold)

    def _collection(self, frames: dict[str, Self]) -> Any:
        """The collection that a step gives which makes several frames."""
        raise NotImplementedError

    def _own_errors(self) -> DataFrame | None:
        if self._stage_errors is not None and not isinstance(self._stage_errors, DataFrame):
            self._stage_errors = self._stage_errors()
        return self._stage_errors

    def _all_errors(self) -> tuple:
        return self._errors if self._stage_errors is None else (*self._errors, self._own_errors)

    def stageErrorsCount(self) -> int:
        """Number of error records of the step that made this frame."""
        own = self._own_errors()
        return 0 if own is None else own.count()

    def errorsCount(self) -> int:
        """Number of error records of all steps up to this frame."""
        return sum(errors().count() for errors in self._all_errors())

    def errorsAsDynamicFrame(self) -> Self:
        """The error records of all steps: a struct `error`, see errors.py."""
        found = self.glue_ctx.spark_session.createDataFrame([], errors.SCHEMA)
        for frame in self._all_errors():
            found = found.unionByName(frame())
        return type(self)(found, self.glue_ctx, "errors")

    def assertErrorThreshold(self) -> None:
        """Fail if this frame has as many errors as its thresholds allow.

        Raises:
            RuntimeError: with the number and the first error.
        """
        limits = [(self._stage_threshold, self.stageErrorsCount), (self._total_threshold, self.errorsCount)]
        for limit, count in limits:
            if limit > 0 and (found := count()) >= limit:
                first = self.errorsAsDynamicFrame().df.first()["error"]["msg"]
                raise RuntimeError(f"{found} errors reached the threshold of {limit}. The first error: {first}")

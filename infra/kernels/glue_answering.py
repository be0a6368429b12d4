"""AWS's Glue kernel (its package is not changed) with an answer to a cell that is interrupted.

At an interrupt AWS's kernel asks Glue to cancel the statement and then returns nothing, which ipykernel cannot send: Jupyter would wait
for the cell for ever. `python -m infra.kernels.glue_answering -f <connection file>`
"""

from typing import Any

# first of all imports: it makes botocore read AWS's own description of the sessions' API
from aws_glue_interactive_sessions_kernel.glue_pyspark.GlueKernel import GlueKernel


class AnsweringKernel(GlueKernel):
    """AWS's kernel; its `do_execute` always gives a reply."""

    async def do_execute(  # AWS's own parameters: ipykernel looks at them
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        try:
            reply = await super().do_execute(code, silent, store_history, user_expressions, allow_stdin)
        except KeyboardInterrupt:  # not while a statement ran, e.g. while a session was made
            reply = None
        if reply is not None:
            return reply
        return {
            "status": "error",  # so that "Run all" goes no further
            "execution_count": self.execution_count,
            "ename": "KeyboardInterrupt",
            "evalue": "The cell was interrupted.",
            "traceback": [],
        }


if __name__ == "__main__":
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(kernel_class=AnsweringKernel)

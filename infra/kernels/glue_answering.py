"""AWS's Glue kernel (its package is not changed) with an answer to a cell that is interrupted.

At an interrupt AWS's kernel asks Glue to cancel the statement and then returns nothing, which ipykernel cannot send: Jupyter would wait
for the cell for ever. And before it makes a session on real AWS, the limit in USD is looked at.

`python -m infra.kernels.glue_answering -f <connection file>`
"""

from typing import Any

# first of all imports: it makes botocore read AWS's own description of the sessions' API
from aws_glue_interactive_sessions_kernel.glue_pyspark.GlueKernel import GlueKernel

DEFAULT_WORKERS = 5  # of AWS's kernel


def _no_answer(question: str) -> str:
    """This kernel cannot ask."""
    from infra.teaching.cost import LimitReached

    raise LimitReached(f"{question}Say it first: deploy a stack, or write it to .workshop/limits.json.")


class AnsweringKernel(GlueKernel):
    """AWS's kernel; its `do_execute` always gives a reply."""

    _told_place = ""

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
        except KeyboardInterrupt:  # not while it waited for a statement, but while one was submitted, or a session made
            self._cancel_statements()
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

    def get_current_session(self) -> Any:
        """AWS's own; while the session waits for a place of the machine, the learner sees which."""
        session = super().get_current_session()
        if isinstance(session, dict) and session.get("Status") == "PROVISIONING":
            place = session.get("ErrorMessage", "")
            if place and place != self._told_place:
                self._send_output(place)
            self._told_place = place
        return session

    def create_session(self) -> Any:
        """Make the session; on real AWS only within the limit in USD. Raises infra.teaching.cost.LimitReached, which the kernel shows."""
        from infra.teaching import guard
        from infra.teaching.prices import usd
        from infra.teaching.units import DPUS

        workers = int(self.get_number_of_workers() or DEFAULT_WORKERS)
        dpus = workers * DPUS.get(self.get_worker_type() or "G.1X", 1.0)
        guard.check(self.get_profile(), dpus * usd("glue dpu", self.get_region()), _no_answer)
        return super().create_session()

    def _cancel_statements(self) -> None:
        """Cancel what the session runs: AWS's kernel does not know the number of a statement that it was about to submit."""
        request = {"SessionId": self.get_session_id()}
        while request["SessionId"]:  # none: the session was not there yet
            page = self.kernel_gateway.glue_client.list_statements(**request)
            for statement in page["Statements"]:
                if statement["State"] in ("WAITING", "RUNNING"):
                    number = statement["Id"]
                    self._send_output(
                        f"Execution Interrupted. Attempting to cancel the statement (statement_id={number})"
                    )
                    self.kernel_gateway.cancel_statement(request["SessionId"], number)
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]


if __name__ == "__main__":
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(kernel_class=AnsweringKernel)

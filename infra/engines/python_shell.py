"""Run the script of a pythonshell job: `python -m infra.engines.python_shell <result file> <script> [argument …]`.

The process ends when its standard input closes, so that it never outlives the server that started it. The script has an empty one.
"""

import json
import os
import sys
import threading
from pathlib import Path

from infra.engines.spark import job


def _end_with_the_server(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(1)


def main() -> None:
    pipe, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    threading.Thread(target=_end_with_the_server, args=[pipe], daemon=True).start()
    file, script, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    result = job.run(script, arguments, is_spark=False)
    file.write_text(json.dumps(result))
    sys.exit(result["exit_code"])


if __name__ == "__main__":
    main()

"""A command on a terminal, as somebody sees it."""

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE = 120.0
"""Seconds after which a command that does not end is killed."""


def on_a_terminal(command: Sequence[str], environment: Mapping[str, str], columns: int = 100) -> tuple[int, list[str]]:
    """Run a command on a terminal; return its exit code and each line that was to be seen, also for a moment."""
    process, terminal = pty.fork()
    if not process:  # pragma: no cover - the child
        given = {**os.environ, **environment, "COLUMNS": str(columns), "TERM": "xterm"}
        os.execvpe(command[0], [*command], given)  # noqa: S606 - a shell is not wanted
    output, end = b"", time.monotonic() + _PATIENCE
    while True:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                found = os.read(terminal, 65_536)
            except OSError:  # the other end is closed
                break
            output += found
        elif time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    lines = re.split(r"[\r\n]+", _CONTROL.sub("", output.decode()))
    return os.waitstatus_to_exitcode(status), list(dict.fromkeys(line.rstrip() for line in lines if line.strip()))


__all__ = ["on_a_terminal"]

"""A command on a terminal, as somebody sees it."""

import os
import pty
import re
import subprocess
from collections.abc import Mapping, Sequence
from threading import Timer

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE = 120.0
"""Seconds after which a command that does not end is killed."""


def on_a_terminal(command: Sequence[str], environment: Mapping[str, str], columns: int = 100) -> tuple[int, list[str]]:
    """Run a command on a terminal; return its exit code and each line that was to be seen, also for a moment."""
    ours, theirs = pty.openpty()
    given = {**os.environ, **environment, "COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen(command, env=given, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    killer = Timer(_PATIENCE, process.kill)
    killer.start()
    output = b""
    try:
        while found := os.read(ours, 65_536):
            output += found
    except OSError:  # nobody has the other end any more
        pass
    finally:
        os.close(ours)
        code = process.wait()
        killer.cancel()
    lines = re.split(r"[\r\n]+", _CONTROL.sub("", output.decode()))
    return code, list(dict.fromkeys(line.rstrip() for line in lines if line.strip()))


__all__ = ["on_a_terminal"]

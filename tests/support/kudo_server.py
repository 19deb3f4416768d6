"""Runs `kudo` in forks of a process that has imported it; the import takes most of the time of a command.

Started as a script with a socket as its standard input. Each message on it has the arguments, the environment and the
working directory of a command, and as files its standard streams and a socket that receives the process ID and then the
exit status. Every command is a process of its own, forked from this one, which ends when its socket is closed.
"""

import array
import gc
import json
import os
import signal
import socket
import sys

MAX_MESSAGE = 1024 * 1024


def serve() -> None:
    """Fork a process for each message, and return in that process."""
    # The system reaps the child processes.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            message, files, _, _ = socket.recv_fds(requests, MAX_MESSAGE, 4)
            if not message:
                os._exit(0)
            if os.fork() == 0:
                break
            for file in files:
                os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    supervise(socket.socket(fileno=files[3]))
    become(json.loads(message), files[:3])


def supervise(reply: socket.socket) -> None:
    """Fork the command, report its process ID and its exit status, and return in the command alone."""
    pid = os.fork()
    if pid:
        reply.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        reply.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)


def become(request: dict[str, object], files: "array.array[int] | list[int]") -> None:
    """Set up this process as if it had been started as the command."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, max(files) + 1)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["directory"]))
    sys.argv = list(request["command"])  # type: ignore[call-overload]


if __name__ == "__main__":
    # Render processes import this file again, and must not serve.
    from kudo.cli.main import run

    gc.freeze()
    serve()
    run()

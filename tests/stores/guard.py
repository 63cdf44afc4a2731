"""Runs a server for a test process; kills it and deletes its folder when that process ends, however it ends.

    python guard.py FOLDER PROGRAM ARGUMENT…

The test process holds the other end of standard input, which closes when that process wants it, is killed or crashes.
The exit code is the server's, if that ended by itself.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run the server until it ends or standard input does."""
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, process_group=0)
    is_stopping = threading.Event()

    def end_with_server() -> None:
        code = server.wait()
        if not is_stopping.is_set():
            os._exit(code)

    threading.Thread(target=end_with_server, daemon=True).start()
    while os.read(0, 1024):
        pass
    is_stopping.set()
    # some servers take their time after SIGTERM, and some have children; nothing of theirs is kept
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()

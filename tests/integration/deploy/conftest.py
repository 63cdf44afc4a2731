"""Tools of the environment that these tests run in."""

import subprocess

import pytest

from compose_file import SCRIPTS


@pytest.fixture
def run_tool():
    """Runs a program of the environment; what it says is the message where it fails."""

    def run(name, *arguments):
        done = subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run

#!/bin/sh
# Installs the locked packages and the wheel beside this script into an environment of their own, with a Java for Spark.
# Usage: install.sh PYTHON FOLDER [OPTION OF PIP]...
set -eu
here=$(dirname "$0")
python=$1
folder=$2
shift 2

"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --no-deps --require-hashes "$@" -r "$here/requirements-image.lock"
"$folder/bin/python" -m pip install --no-deps "$here"/wheel/trade_ingest-*.whl
"$folder/bin/python" -m pip check
"$folder/bin/python" -m trade_ingest.engine.java "$folder/java"
"$folder/bin/python" -m pip uninstall --quiet --yes pip

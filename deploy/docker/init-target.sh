#!/bin/bash
# Runs once, when the server of the target is made: a role that loads and owns its database, and is no superuser.
set -euo pipefail
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$LOADER_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE loader LOGIN PASSWORD :'password';
CREATE DATABASE trades OWNER loader;
SQL

#!/usr/bin/env bash
# Installs ClickHouse as a Python package (533 MB, not needed for building, testing or running Headroom) into
# .setup/clickhouse-peer, where the test of the archive looks for it.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x .setup/clickhouse-peer/bin/python ]] || python3 -m venv .setup/clickhouse-peer
.setup/clickhouse-peer/bin/python -m pip install --quiet --disable-pip-version-check chdb==4.4.0 chdb-core==26.9.0

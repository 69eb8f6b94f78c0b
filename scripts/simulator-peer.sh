#!/usr/bin/env bash
# Installs the peer that `headroom bench simulator --peer` measures itself against into .setup/simulator-peer (3 GB, not needed for
# building, testing or running Headroom).
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x .setup/simulator-peer/bin/python ]] || python3 -m venv .setup/simulator-peer
.setup/simulator-peer/bin/python -m pip install --quiet --disable-pip-version-check -r crates/headroom-sim/peer/requirements.txt

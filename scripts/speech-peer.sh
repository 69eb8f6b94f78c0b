#!/usr/bin/env bash
# Installs the peer that `headroom bench speech` measures itself against into .setup/speech-peer (400 MB, not needed for
# building, testing or running Headroom).
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x .setup/speech-peer/bin/python ]] || python3 -m venv .setup/speech-peer
.setup/speech-peer/bin/python -m pip install --quiet --disable-pip-version-check -r crates/headroom-infer/peer/requirements.txt

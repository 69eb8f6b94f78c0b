#!/usr/bin/env bash
# Compares inference of the English model on one machine with an NVIDIA card: ONNX Runtime on CUDA and TensorRT (fp32 and fp16),
# PyTorch on the card, and our own build on the card and on the processor; batches 1 to 128, copies to the card and back included.
# Writes the table to docs/benchmarks/gpu.md. Needs CUDA, Python 3, cargo and the network for packages. Not yet run.
#
#   scripts/gpu-check.sh [SECONDS_A_CELL]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-3}
venv=.setup/gpu
if ! command -v nvidia-smi > /dev/null; then
    echo "gpu-check: no nvidia-smi: this machine has no NVIDIA card or no driver; nothing was measured" >&2
    exit 2
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet numpy tokenizers onnx onnxconverter-common onnxruntime-gpu torch transformers safetensors

# Our build loads ONNX Runtime's shared library at run time: the one of the wheel, so that both run the same.
cargo build --release --locked -p headroom --features onnxruntime
ORT_DYLIB_PATH=$("$venv/bin/python" - <<'PYTHON'
import glob, os, onnxruntime
print(sorted(glob.glob(os.path.join(os.path.dirname(onnxruntime.__file__), "capi", "libonnxruntime.so.*")))[0])
PYTHON
)
export ORT_DYLIB_PATH
libraries=$("$venv/bin/python" -c 'import glob, os, torch; print(":".join(glob.glob(os.path.join(os.path.dirname(os.path.dirname(torch.__file__)), "nvidia", "*", "lib"))))')
export LD_LIBRARY_PATH="$libraries:$(dirname "$ORT_DYLIB_PATH"):${LD_LIBRARY_PATH:-}"

"$venv/bin/python" training/gpu_check.py target/release/headroom "$seconds" > docs/benchmarks/gpu.md
cat docs/benchmarks/gpu.md

"""The table of scripts/gpu-check.sh, which prepares the packages and calls this: gpu_check.py BINARY SECONDS

Every engine of the same process group reads the same tokens: the first messages of the own training text, padded to the
longest of a batch. Copies to the card and back are part of the time. A session whose nodes run elsewhere than asked for is an
error, not a slower figure: the profile of one run names the provider of every node.
"""

import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
import onnx
import onnxruntime
import torch
from onnxconverter_common import float16
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "sentiment-en"
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
# What may stay on the processor: shapes and constants, which carry no weights.
ON_THE_PROCESSOR = {"Shape", "Gather", "Unsqueeze", "Squeeze", "Concat", "Cast", "Slice", "Constant", "ConstantOfShape", "Range", "Reshape", "Equal", "Where", "Expand"}


def messages(count):
    lines = (ROOT / "training/data/feedback.tsv").read_text(encoding="utf-8").splitlines()[1:]
    texts = [cells[3] for cells in (line.split("\t") for line in lines) if cells[1] == "en"]
    return texts[:count]


def batches(texts, size):
    words = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    words.enable_truncation(64)
    words.enable_padding()
    out = []
    for at in range(0, len(texts) - size + 1, size):
        encoded = words.encode_batch(texts[at : at + size])
        out.append((numpy.array([one.ids for one in encoded], dtype=numpy.int64), numpy.array([one.attention_mask for one in encoded], dtype=numpy.int64)))
    return out


def network_of_the_product():
    """The shipped English model with its rounded weights, in PyTorch."""
    from sentiment import network, restore
    from sentiment.base import cache

    restore.restore("en", ROOT / "models")
    model = network.from_base(cache() / "base" / "en-shipped")
    model.load_state_dict(torch.load(cache() / "stages" / "en-shipped" / "final.pt"))
    return model.eval()


def files(model, folder):
    """It as ONNX in fp32 and fp16: CUDA has no int8 kernels for this graph worth comparing."""
    from sentiment import export

    whole, half = (pathlib.Path(folder) / f"model-{precision}.onnx" for precision in ("fp32", "fp16"))
    export.to_onnx(model, whole)
    onnx.save(float16.convert_float_to_float16(onnx.load(whole), keep_io_types=True), half)
    return {"fp32": whole, "fp16": half}


def session(path, provider, folder):
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = os.path.join(folder, "profile")
    made = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    if made.get_providers()[0] != provider:
        sys.exit(f"gpu-check: {provider} was asked for and {made.get_providers()[0]} came")
    return made


def assert_placed(made, provider, first):
    made.run(None, {"input_ids": first[0], "attention_mask": first[1]})
    profile = json.loads(pathlib.Path(made.end_profiling()).read_text())
    nodes = [event["args"] for event in profile if event.get("cat") == "Node" and "provider" in event.get("args", {})]
    astray = {node["op_name"] for node in nodes if node["provider"] != provider} - ON_THE_PROCESSOR
    if not nodes or astray:
        sys.exit(f"gpu-check: {len(nodes)} nodes profiled, and {sorted(astray)} do not run on {provider}")


def rate(run, work, seconds):
    """Messages a second over at least `seconds`, after a warm-up."""
    for some in work[:3]:
        run(some)
    read, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for some in work:
            run(some)
            read += len(some[0])
    return read / (time.perf_counter() - start)


def torch_run(model, device):
    model = model.to(device)

    def run(some):
        with torch.inference_mode():
            out = model(*(torch.from_numpy(one).to(device) for one in some))
            for one in out.values() if isinstance(out, dict) else out if isinstance(out, (tuple, list)) else [out]:
                one.cpu()

    return run


def ours(binary, device, size):
    """Our own build over files of messages: the difference of two lengths leaves loading out."""
    def took(count):
        text = "\n".join(f"{text} {number}" for number, text in enumerate(messages(1_000_000)[:1] * count))
        start = time.perf_counter()
        subprocess.run([binary, "classify", "-", "--json", "--format", "plain", "--device", device, "--batch", str(size)], input=text, text=True, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    return 4_096 / max(took(5_120) - took(1_024), 1e-9)


def main():
    binary, seconds = sys.argv[1], float(sys.argv[2])
    texts = messages(1_024)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = network_of_the_product()
        exported = files(model, folder)
        for provider in ("CUDAExecutionProvider", "TensorrtExecutionProvider"):
            for precision, path in exported.items():
                assert_placed(session(path, provider, folder), provider, batches(texts, 1)[0])
                made = onnxruntime.InferenceSession(str(path), providers=[provider])
                run = lambda some, made=made: made.run(None, {"input_ids": some[0], "attention_mask": some[1]})
                rows.append((f"onnxruntime {provider.removesuffix('ExecutionProvider')} {precision}", [rate(run, batches(texts, size), seconds) for size in BATCHES]))
        run = torch_run(model, "cuda")
        rows.append(("PyTorch CUDA fp32", [rate(run, batches(texts, size), seconds) for size in BATCHES]))
        for device in ("cuda", "tensorrt", "cpu"):
            rows.append((f"headroom --device {device}", [ours(binary, device, size) for size in BATCHES]))
        for left in glob.glob(os.path.join(folder, "profile*")):
            os.remove(left)
    name = torch.cuda.get_device_name(0)
    print(f"# Inference on a card\n\n{name}, onnxruntime {onnxruntime.__version__}, PyTorch {torch.__version__}; messages a second by batch, copies included; `scripts/gpu-check.sh {seconds:g}`.\n")
    print("| engine | " + " | ".join(map(str, BATCHES)) + " |\n|---|" + "---|" * len(BATCHES))
    for engine, rates in rows:
        print(f"| {engine} | " + " | ".join(f"{value:,.0f}" for value in rates) + " |")


if __name__ == "__main__":
    main()

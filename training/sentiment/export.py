"""From a trained stage to the shipped files: `python -m sentiment.export en|multi [--stage NAME] --models models [--fp32]`.

Writes `models/sentiment-<name>/`: model.onnx (opset 17, int8), tokenizer.json, labels.json, sha256. The quantisation is
onnxruntime's dynamic one: weights int8 per channel, activations uint8 per tensor at run time, both prepared by
`sentiment.quantise`; the embedding tables are
int8 with one scale a row (`narrow_tables`): with one scale for all, the rarest outlier costs every word its precision. Weights use 7 bits (`reduce_range`): the 8-bit products of the instructions without
VNNI (AVX2) add up past 16 bits otherwise and give other answers than a newer processor.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import torch

from . import corpora, network, quantise as preparation
from .base import cache
from .stages import STAGES
from .labels import ASPECTS, COMMANDS, LANGUAGES, SENTIMENTS


def to_onnx(model, path):
    """fp32 ONNX with dynamic batch and length."""
    model.eval()
    ids = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(model, (ids, mask), str(path), opset_version=17, dynamo=False, input_names=["input_ids", "attention_mask"],
                      output_names=["sentiment", "aspects", "command"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes} | {name: {0: "batch"} for name in ("sentiment", "aspects", "command")})


def quantise(source, target):
    """Dynamic int8. The three small heads stay fp32: they cost nothing and carry the decision."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as scratch:
        ready = Path(scratch) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        # The quantiser turns Gemm into MatMul, under a longer name, before it looks for what to leave out.
        heads = [node.name + end for node in onnx.load(str(ready)).graph.node if node.op_type == "Gemm" for end in ("", "_MatMul")]
        quantize_dynamic(str(ready), str(target), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, nodes_to_exclude=heads,
                         op_types_to_quantize=["MatMul"])
    narrow_tables(target)


def narrow_tables(path):
    """Replaces every Gather of rows from a large fp32 table by a Gather of int8 rows times a Gather of their scales."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    tables = {one.name: one for one in graph.initializer if one.data_type == TensorProto.FLOAT and len(one.dims) == 2 and one.dims[0] > 100}
    nodes = []
    for node in graph.node:
        if node.op_type != "Gather" or node.input[0] not in tables:
            nodes.append(node)
            continue
        rows, indices, out = node.input[0], node.input[1], node.output[0]
        values = numpy_helper.to_array(tables[rows])
        scale = np.maximum(np.abs(values).max(1, keepdims=True), 1e-12).astype(np.float32) / 127
        graph.initializer.remove(tables.pop(rows))
        graph.initializer.extend([numpy_helper.from_array(np.round(values / scale).astype(np.int8), rows + "_int8"), numpy_helper.from_array(scale, rows + "_scale")])
        nodes += [helper.make_node("Gather", [rows + "_int8", indices], [out + "_int8"]), helper.make_node("Gather", [rows + "_scale", indices], [out + "_scale"]),
                  helper.make_node("Cast", [out + "_int8"], [out + "_wide"], to=TensorProto.FLOAT), helper.make_node("Mul", [out + "_wide", out + "_scale"], [out])]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def export(name, stage, models, keep_fp32):
    """Writes one shipped folder."""
    base = cache() / "base" / (STAGES[stage].base if stage in STAGES else stage)
    model = network.from_base(base)
    model.load_state_dict(torch.load(cache() / "stages" / stage / "final.pt"))
    # The large model takes the English one's place in a folder of its own, with its fp32 file beside it.
    folder = Path(models) / f"sentiment-{'en' if name == 'large' else name}"
    folder.mkdir(parents=True, exist_ok=True)
    fp32 = (folder if name == "large" else cache() / "export" / f"sentiment-{name}") / "model-fp32.onnx"
    fp32.parent.mkdir(parents=True, exist_ok=True)
    to_onnx(model, fp32)
    table = preparation.prepare(model, network.tokenizer(base), {"multi": set(LANGUAGES) - {"en"}}.get(name, {"en"}),
                                texts={"reduced": 40, "large": 160}.get(name, 320))
    with tempfile.TemporaryDirectory() as scratch:
        ready = Path(scratch) / "ready.onnx"
        to_onnx(model, ready)
        quantise(ready, folder / "model.onnx")
    # The large model's layers have other names in the graph; its weights are rounded already, and plain rounding finds them so
    # again wherever the largest of a row was not changed.
    if name != "large":
        preparation.overwrite(folder / "model.onnx", table)
    shutil.copy(base / "tokenizer.json", folder / "tokenizer.json")
    if fp32.parent != folder:
        shutil.copy(base / "tokenizer.json", fp32.parent / "tokenizer.json")
    (folder / "labels.json").write_text(json.dumps({
        "sentiment": SENTIMENTS, "aspects": ASPECTS, "command": COMMANDS, "aspect_threshold": 0.5, "max_tokens": network.MAX_TOKENS,
        "languages": ["en"] if name in ("en", "large") else LANGUAGES}, indent=1) + "\n")
    if not keep_fp32:
        fp32.unlink()
    lines = [f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}  {file}\n" for file in ("labels.json", "model.onnx", "tokenizer.json")]
    (folder / "sha256").write_text("".join(lines))
    print(f"{folder}: {(folder / 'model.onnx').stat().st_size / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("en", "multi", "large", "reduced"))
    parser.add_argument("--stage", help="the trained stage, or `en-shipped`, `multi-shipped` [default: the one of that name]")
    parser.add_argument("--models", default=str(corpora.ROOT / "models"))
    parser.add_argument("--fp32", action="store_true", help="keep the fp32 file in the cache for the comparison")
    arguments = parser.parse_args()
    export(arguments.name, arguments.stage or arguments.name, arguments.models, arguments.fp32)


if __name__ == "__main__":
    main()

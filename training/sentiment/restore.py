"""From shipped files back to weights that can be trained: `python -m sentiment.restore en|multi [--models models]`.

Checkpoints are not kept in the repository; the int8 files are. Their weights times their scales lie within half a step of
128 of the originals, which a few hundred training steps make good. Writes the base `<name>-shipped` (with the shipped
tokenizer: a vocabulary pruned anew would not fit) and the finished stage `<name>-shipped`.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from . import corpora
from .base import cache, shape

LAYERS = {"en": 6, "multi": 12}


def weights(path):
    """Every parameter of `network.Classifier` by name."""
    graph = onnx.load(str(path)).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    out = {name: value.astype(np.float32) for name, value in stored.items() if name.startswith(("encoder.", "heads.")) and value.dtype == np.float32}
    for name in [name for name in stored if name.endswith("_int8")]:
        table = name.removesuffix("_int8")
        out[table] = stored[name].astype(np.float32) * stored[table + "_scale"]
        out.pop(table + "_scale", None)
    # Small matrices that stayed fp32 are stored the other way round.
    for name in [name for name in out if name.endswith("_Transposed")]:
        out[name.removesuffix("_Transposed")] = out.pop(name).T
    for node in graph.node:
        # `/encoder/encoder/layer.0/output/dense/MatMul_quant`, `/command/Gemm_MatMul_quant`
        if node.op_type == "MatMulInteger":
            module = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
            parameter = f"{module if module.startswith('encoder.') else 'heads.' + module}.weight"
            matrix = node.input[1].removesuffix("_quantized")
            values = (stored[matrix + "_quantized"].astype(np.float32) - stored[matrix + "_zero_point"]) * stored[matrix + "_scale"]
            out[parameter] = values.T.copy()
            for kind in ("_scale", "_zero_point"):
                out.pop(matrix + kind, None)
    # Activations that are divided before they are rounded: the weights carry the factor (`quantise.smooth`).
    for name in [name for name in out if name.endswith((".smooth.factor", ".before.factor"))]:
        factor, place = out.pop(name), name.rsplit(".", 2)[0]
        for weight in [weight for weight in out if weight.startswith(place + ".") and weight.endswith(".weight") and out[weight].ndim == 2]:
            out[weight] = out[weight] * factor
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in out.items()}


def restore(name, models):
    """Writes base and stage."""
    folder = Path(models) / f"sentiment-{name}"
    state = weights(folder / "model.onnx")
    base = cache() / "base" / f"{name}-shipped"
    base.mkdir(parents=True, exist_ok=True)
    vocabulary = state["encoder.embeddings.word_embeddings.weight"].shape[0]
    (base / "config.json").write_text(json.dumps(shape(vocabulary, LAYERS[name])))
    shutil.copy(folder / "tokenizer.json", base / "tokenizer.json")
    torch.save({key.removeprefix("encoder."): value for key, value in state.items() if key.startswith("encoder.")}, base / "weights.pt")
    stage = cache() / "stages" / f"{name}-shipped"
    stage.mkdir(parents=True, exist_ok=True)
    torch.save(state, stage / "final.pt")
    print(f"{name}: {len(state)} parameters restored")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=LAYERS)
    parser.add_argument("--models", default=str(corpora.ROOT / "models"))
    arguments = parser.parse_args()
    restore(arguments.name, arguments.models)


if __name__ == "__main__":
    main()

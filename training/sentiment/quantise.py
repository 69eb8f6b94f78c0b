"""int8 that stays close to fp32: what is done to the weights before, and instead of, plain rounding.

Activations are rounded at run time with one scale for a whole tensor, so a few channels with large values cost all others
their precision. `smooth` divides each channel by a factor and multiplies the weights that read it (SmoothQuant): between the
values and the output of the attention that is free, elsewhere it is one multiplication in front of a matrix product. The
weights are then rounded column by column, each time correcting the columns still to come for the error made so far, on the
inputs of the calibration texts (GPTQ). Only training texts calibrate.
"""

import random

import torch
from torch import nn

from . import corpora, network

LEVELS = 64
"""Of 7 bits: -64 to 64, see `export`."""


class Scale(nn.Module):
    """Multiplies every channel by a constant."""

    def __init__(self, factor):
        super().__init__()
        self.register_buffer("factor", factor)

    def forward(self, hidden):
        return hidden * self.factor


def sites(model):
    """(module that gets a scale in front, its linear layers, the layer that can take the scale for free) of every place
    where activations are rounded."""
    out = []
    for layer in model.encoder.encoder.layer:
        if hasattr(layer.attention, "attn"):
            part = layer.attention.attn
            out.append((layer.attention, "before", [part.q, part.k, part.v], None))
            out.append((None, None, [part.o], part.v))
            out.append((layer.intermediate, "before", [layer.intermediate.dense], None))
            out.append((layer.output, "before", [layer.output.dense], None))
        else:
            part = getattr(layer.attention, "self")
            out.append((part, None, [part.query, part.key, part.value], None))
            out.append((None, None, [layer.attention.output.dense], part.value))
            out.append((layer.intermediate, None, [layer.intermediate.dense], None))
            out.append((layer.output.dense, None, [layer.output.dense], None))
    return out


def calibration(count, languages, seed=5):
    """Training texts, own and, where they are there, public."""
    rng = random.Random(seed)
    own = [example.text for example in corpora.feedback(corpora.FEEDBACK_TRAIN) if example.language in languages]
    if not (corpora.shared_root() / "data/text").exists():
        return rng.sample(own, count)
    public = [example.text for language in sorted(languages) for example in corpora.umsab(language, "train")]
    if languages == {"en"}:
        public += [example.text for example in corpora.sst2("train")]
    return rng.sample(own, count // 2) + rng.sample(public, count - count // 2)


def observe(model, ids, examples=0):
    """For every linear layer of the encoder: its inputs' second moments, the largest magnitude of each input channel, and the
    inputs of the first `examples` texts, one matrix each."""
    largest, moments, kept, hooks = {}, {}, {}, []

    def watch(layer):
        def hook(_module, inputs):
            values = inputs[0][0]
            top, square = values.abs().amax(0), values.T @ values
            largest[layer] = torch.maximum(largest[layer], top) if layer in largest else top
            moments[layer] = moments[layer] + square if layer in moments else square
            if len(kept.setdefault(layer, [])) < examples:
                kept[layer].append(values.clone())
        return layer.register_forward_pre_hook(hook)

    for _, _, layers, _ in sites(model):
        hooks += [watch(layer) for layer in layers]
    model.eval()
    with torch.no_grad():
        for one in ids:
            model(*network.pad([one]))
    for hook in hooks:
        hook.remove()
    return largest, moments, kept


def plain(weight):
    """Weights rounded one by one."""
    scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / LEVELS
    return (weight / scale).round() * scale


def activations(values):
    """What is left of a text's activations at run time: 8 bits between its smallest and its largest value."""
    low, high = values.min().clamp(max=0), values.max().clamp(min=0)
    scale = (high - low).clamp(min=1e-8) / 255
    zero = (-low / scale).round()
    return ((values / scale + zero).round().clamp(0, 255) - zero) * scale


def smooth(model, largest, kept, strengths=(0.0, 0.3, 0.5, 0.7, 0.85, 1.0)):
    """Moves part of the spread of the channels from the activations into the weights; how much, the error on the kept inputs says,
    place by place."""
    chosen = []
    for place, name, layers, free in sites(model):
        top = largest[layers[0]].clamp(min=1e-4)
        matrix = torch.cat([layer.weight.detach() for layer in layers])
        weight = matrix.abs().amax(0).clamp(min=1e-4)
        values = kept[layers[0]]
        wanted = torch.cat(values) @ matrix.T
        best = None
        for strength in strengths:
            factor = top.pow(strength) / weight.pow(1 - strength) if strength else torch.ones_like(top)
            factor = factor / factor.log().mean().exp()
            # The weights are rounded with half the error of plain rounding later.
            heavy = (matrix * factor + plain(matrix * factor)) / 2
            error = (torch.cat([activations(one / factor) for one in values]) @ heavy.T - wanted).square().sum().item()
            if best is None or error < best[0]:
                best = (error, strength, factor)
        _, strength, factor = best
        chosen.append(strength)
        if not strength:
            continue
        with torch.no_grad():
            for layer in layers:
                layer.weight.mul_(factor)
            if free is not None:
                free.weight.div_(factor[:, None])
                free.bias.div_(factor)
            elif name:
                setattr(place, name, Scale(1 / factor))
            else:
                place.smooth = Scale(1 / factor)
                place.register_forward_pre_hook(_scaled, with_kwargs=True)
    return chosen


def _scaled(module, inputs, named):
    return (module.smooth(inputs[0]), *inputs[1:]), named


def rounded(weight, moment, damping=0.01):
    """(integers, scale of each row): GPTQ with the scale of plain rounding."""
    scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / LEVELS
    moment = moment.double()
    moment = moment + damping * moment.diagonal().mean() * torch.eye(len(moment), dtype=torch.float64)
    upper = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(moment)), upper=True).float()
    left, out = weight.clone(), torch.zeros_like(weight)
    block = 64
    for start in range(0, weight.shape[1], block):
        end = min(start + block, weight.shape[1])
        errors = torch.zeros(weight.shape[0], end - start)
        for column in range(start, end):
            out[:, column] = (left[:, column] / scale[:, 0]).round().clamp(-LEVELS, LEVELS)
            error = (left[:, column] - out[:, column] * scale[:, 0]) / upper[column, column]
            left[:, column:end] -= error[:, None] * upper[column, column:end]
            errors[:, column - start] = error
        left[:, end:] -= errors @ upper[start:end, end:]
    return out, scale[:, 0]


def round_all(model, moments):
    """Every linear layer of the encoder: {module name: (integers, scales)}. The model gets the rounded weights."""
    names = {module: name for name, module in model.named_modules()}
    out = {}
    for layer, moment in moments.items():
        integers, scale = rounded(layer.weight.detach(), moment)
        out[names[layer]] = (integers, scale)
        with torch.no_grad():
            layer.weight.copy_(integers * scale[:, None])
    return out


def prepare(model, tokenizer, languages, texts=320):
    """Smooths the model and rounds its weights; returns what `overwrite` needs."""
    ids = network.encode(tokenizer, calibration(texts, languages))
    largest, _, kept = observe(model, ids, examples=24)
    smooth(model, largest, kept)
    _, moments, _ = observe(model, ids)
    return round_all(model, moments)


def overwrite(path, table):
    """Puts these integers and scales into an int8 file in place of the ones of plain rounding."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    stored = {one.name: one for one in model.graph.initializer}
    left = set(table)
    for node in model.graph.node:
        module = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
        if node.op_type != "MatMulInteger" or module not in table:
            continue
        integers, scale = table[module]
        matrix = node.input[1].removesuffix("_quantized")
        for name, values in ((matrix + "_quantized", integers.numpy().T.astype(np.int8)), (matrix + "_scale", scale.numpy().astype(np.float32))):
            before = numpy_helper.to_array(stored[name])
            if before.shape != values.shape or before.dtype != values.dtype:
                raise SystemExit(f"{path}: {name} is {before.dtype} {before.shape}, not {values.dtype} {values.shape}")
            stored[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
        left.remove(module)
    if left:
        raise SystemExit(f"{path}: not found: {sorted(left)}")
    onnx.save(model, str(path))

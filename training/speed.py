#!/usr/bin/env python3
"""How fast other engines read the same messages: the peers of `headroom bench sentiment`, which starts this file.

    python training/speed.py onnxruntime|pytorch|distilbert MODELS BATCH < messages

`onnxruntime` runs the shipped int8 file, `pytorch` the same network in fp32 as transformers runs it (weights of the
training cache where they are there, else of the base: the time does not depend on them), `distilbert` a network of the
size of DistilBERT (6 layers of 768, random weights, the tokenizer of the English model). One thread each. Tokenising is
part of the time, loading and one warm-up pass over the first messages are not. Prints one JSON object.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))


def tokenizer(models):
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(Path(models) / "sentiment-en" / "tokenizer.json"))
    loaded.enable_truncation(64)
    loaded.enable_padding()
    return loaded


def onnxruntime_engine(models):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(Path(models) / "sentiment-en" / "model.onnx"), options, providers=["CPUExecutionProvider"])
    words = tokenizer(models)

    def run(texts):
        encodings = words.encode_batch(texts)
        session.run(None, {"input_ids": np.array([one.ids for one in encodings], dtype=np.int64),
                           "attention_mask": np.array([one.attention_mask for one in encodings], dtype=np.int64)})

    return "onnxruntime int8", run


def torch_engine(models, network, name):
    import torch

    torch.set_num_threads(1)
    network.eval()
    words = tokenizer(models)

    def run(texts):
        encodings = words.encode_batch(texts)
        with torch.inference_mode():
            network(torch.tensor([one.ids for one in encodings]), torch.tensor([one.attention_mask for one in encodings]))

    return name, run


def pytorch_engine(models):
    import torch

    from sentiment import network
    from sentiment.base import cache

    model = network.from_base(cache() / "base" / "minilm")
    trained = cache() / "stages" / "en" / "final.pt"
    if trained.exists():
        model.load_state_dict(torch.load(trained))
    return torch_engine(models, model, "pytorch transformers fp32")


def distilbert_engine(models):
    from transformers import DistilBertConfig, DistilBertModel

    return torch_engine(models, DistilBertModel(DistilBertConfig()), "pytorch distilbert-size fp32")


ENGINES = {"onnxruntime": onnxruntime_engine, "pytorch": pytorch_engine, "distilbert": distilbert_engine}


def main():
    engine, models, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    texts = [line.rstrip("\n") for line in sys.stdin]
    batches = [texts[at : at + batch] for at in range(0, len(texts), batch)]
    name, run = ENGINES[engine](models)
    for some in batches[:3]:
        run(some)
    walls = []
    started = time.process_time()
    for some in batches:
        at = time.perf_counter()
        run(some)
        walls.append(time.perf_counter() - at)
    spent = time.process_time() - started
    print(json.dumps({"engine": name, "cpu_s": spent, "p50_ms": 1000 * statistics.median(walls)}))


if __name__ == "__main__":
    main()

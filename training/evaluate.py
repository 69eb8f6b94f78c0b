#!/usr/bin/env python3
"""Measures the shipped models with onnxruntime on every test set: `python training/evaluate.py [--models models] [--json FILE]`.

The models are used as the product uses them: text -> normalisation -> language router -> the English or the multilingual
model, one text at a time or in batches of equal length (an int8 score depends a little on the texts beside it, so
`--batch 1`, the default, is the figure of record). `--fp32` measures the unquantised files next to the checkpoints.
Test sets are reported here and used nowhere else.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sentiment import corpora, language, metrics  # noqa: E402
from sentiment.labels import LANGUAGES  # noqa: E402
from sentiment.normalise import normalise  # noqa: E402

MAX_TOKENS = 64


class Onnx:
    """One exported model with its tokenizer."""

    def __init__(self, folder, file="model.onnx"):
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(Path(folder) / file), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()

    def scores(self, texts):
        """Raw scores of each text, one text a call."""
        out = []
        for encoding in self.tokenizer.encode_batch([normalise(text) for text in texts]):
            ids = np.array([encoding.ids], dtype=np.int64)
            out.append(self.session.run(["sentiment", "aspects", "command"], {"input_ids": ids, "attention_mask": np.ones_like(ids)}))
        return [np.concatenate([row[head] for row in out]) for head in range(3)]


def routed(models, router, texts):
    """Each text through the model the router picks."""
    chosen = [router.model_for(text) for text in texts]
    out = [None] * len(texts)
    for name, model in models.items():
        rows = [index for index, one in enumerate(chosen) if one == name]
        if rows:
            for index, *scores in zip(rows, *model.scores([texts[index] for index in rows])):
                out[index] = scores
    return [np.stack([row[head] for row in out]) for head in range(3)]


def test_sets(quick):
    """Name -> examples. `quick` leaves the big SemEval test out."""
    sets = {"sst2_test": corpora.sst2("test")}
    if not quick:
        sets["semeval2017_test"] = corpora.semeval2017("test")
    sets |= {f"umsab_test_{name}": corpora.umsab(name, "test") for name in LANGUAGES}
    dev = corpora.feedback_dev()
    sets["feedback_dev"] = dev
    sets["feedback_dev_en"] = [example for example in dev if example.language == "en"]
    sets["feedback_dev_other"] = [example for example in dev if example.language != "en"]
    own = corpora.feedback(corpora.FEEDBACK_VALIDATION)
    sets["own_validation_en"] = [example for example in own if example.language == "en"]
    sets["own_validation_other"] = [example for example in own if example.language != "en"]
    return sets


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=str(corpora.ROOT / "models"))
    parser.add_argument("--file", default="model.onnx", help="model.onnx (int8, shipped) or model-fp32.onnx")
    parser.add_argument("--model", choices=("en", "multi"), help="no router: everything through this model")
    parser.add_argument("--set", action="append", help="only these sets (prefix)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--errors", action="store_true", help="print the wrong rows of the feedback files")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    if not (corpora.shared_root() / "data/text").exists():
        print("skipped: no test sets (HEADROOM_SHARED)")
        return 0
    folder = Path(arguments.models)
    router = language.Router.load(folder / "language.json")
    names = (arguments.model,) if arguments.model else ("en", "multi")
    models = {name: Onnx(folder / f"sentiment-{name}", arguments.file) for name in names}
    report = {}
    for name, examples in test_sets(arguments.quick).items():
        if arguments.set and not name.startswith(tuple(arguments.set)):
            continue
        texts = [example.text for example in examples]
        started = time.process_time()
        scores = models[arguments.model].scores(texts) if arguments.model else routed(models, router, texts)
        values = metrics.measure(examples, scores)
        errors = values.pop("errors", [])
        values["texts"] = len(texts)
        values["cpu_ms_per_text"] = 1000 * (time.process_time() - started) / len(texts)
        report[name] = values
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
                                      for key, value in values.items()), flush=True)
        if arguments.errors and name in ("feedback_dev", "own_validation_en", "own_validation_other"):
            print("\n".join("  " + line for line in errors))
    scored = [values["macro_f1"] for name, values in report.items() if name.startswith("umsab_test")]
    if len(scored) == len(LANGUAGES):
        report["umsab_mean"] = {"macro_f1": float(np.mean(scored)), "lowest": float(np.min(scored))}
        print(f"umsab_mean: macro_f1 {np.mean(scored):.4f}, lowest {np.min(scored):.4f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The classifier: a BERT encoder, the mean over its tokens, three linear heads."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from .labels import ASPECTS, COMMANDS, SENTIMENTS
from .normalise import normalise

MAX_TOKENS = 64


def tokenizer(folder):
    """The tokenizer of a base encoder or a shipped model, with the length limit every user of the model applies."""
    loaded = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    loaded.enable_truncation(MAX_TOKENS)
    loaded.no_padding()
    return loaded


def encode(loaded, texts):
    """Normalised texts -> token id lists."""
    return [encoding.ids for encoding in loaded.encode_batch([normalise(text) for text in texts])]


class Classifier(nn.Module):
    """Outputs raw scores (logits): sentiment [B,3], aspects [B,5], command [B,7]."""

    def __init__(self, config, dropout=0.1):
        super().__init__()
        from transformers import BertConfig, BertModel

        self.encoder = BertModel(BertConfig(**config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
                                            attn_implementation="eager"), add_pooling_layer=False)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({"sentiment": nn.Linear(384, len(SENTIMENTS)), "aspects": nn.Linear(384, len(ASPECTS)),
                                    "command": nn.Linear(384, len(COMMANDS))})
        for parameter in self.encoder.embeddings.parameters():
            parameter.requires_grad = False

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = self.dropout((hidden * mask).sum(1) / mask.sum(1))
        return tuple(self.heads[name](pooled) for name in ("sentiment", "aspects", "command"))


def from_base(folder):
    """A classifier with the base encoder's weights and fresh heads."""
    folder = Path(folder)
    model = Classifier(json.loads((folder / "config.json").read_text()))
    missing = model.encoder.load_state_dict(torch.load(folder / "weights.pt"), strict=False)
    if missing.unexpected_keys or any("position_ids" not in key for key in missing.missing_keys):
        raise SystemExit(f"{folder}: weights do not fit: {missing}")
    return model


def pad(batch):
    """Lists of ids -> (input_ids, attention_mask); 0 pads, the mask hides it."""
    longest = max(len(ids) for ids in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    for row, one in enumerate(batch):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return ids, mask

"""The classifier: a BERT or MPNet encoder, the mean over its tokens, three linear heads."""

import json
import math
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

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


def _module(**parts):
    """A module that holds named parts, so that parameters get the names of the published weights."""
    out = nn.Module()
    for name, part in parts.items():
        out.add_module(name, part)
    return out


class Mpnet(nn.Module):
    """MPNet: BERT without token types, whose attention adds a learnt bias for the distance between two tokens. The table of
    distances is a constant of MAX_TOKENS squared, so an exported graph has no logarithms and any fitting id pads."""

    def __init__(self, config):
        super().__init__()
        hidden, inner, self.attention_heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]

        def norm():
            return nn.LayerNorm(hidden, eps=config["layer_norm_eps"])

        self.embeddings = _module(word_embeddings=nn.Embedding(config["vocab_size"], hidden), position_embeddings=nn.Embedding(514, hidden),
                                  LayerNorm=norm())
        layers = nn.ModuleList(
            _module(attention=_module(before=nn.Identity(), attn=_module(**{name: nn.Linear(hidden, hidden) for name in "qkvo"}), LayerNorm=norm()),
                    intermediate=_module(before=nn.Identity(), dense=nn.Linear(hidden, inner)),
                    output=_module(before=nn.Identity(), dense=nn.Linear(inner, hidden), LayerNorm=norm()))
            for _ in range(config["num_hidden_layers"]))
        self.encoder = _module(layer=layers, relative_attention_bias=nn.Embedding(32, self.attention_heads))
        self.register_buffer("buckets", self._buckets(), persistent=False)

    @staticmethod
    def _buckets():
        """Bucket of the distance between each two positions: 16 a direction, the last 8 of them logarithmic up to 128."""
        distance = torch.arange(MAX_TOKENS)[:, None] - torch.arange(MAX_TOKENS)[None, :]
        far = 8 + (torch.log(distance.abs().clamp(min=1) / 8) / math.log(128 / 8) * 8).long()
        return torch.where(distance < 0, 16, 0) + torch.where(distance.abs() < 8, distance.abs(), far.clamp(max=15))

    def forward(self, input_ids, attention_mask):
        rows, length = input_ids.shape
        first = 2  # of the position table; 0 and 1 belong to padding
        hidden = self.embeddings.word_embeddings(input_ids) + self.embeddings.position_embeddings.weight[first : first + length]
        hidden = self.embeddings.LayerNorm(hidden)
        bias = self.encoder.relative_attention_bias(self.buckets).permute(2, 0, 1)[None, :, :length, :length]
        bias = bias + (1.0 - attention_mask[:, None, None, :].to(bias.dtype)) * -1e4
        for layer in self.encoder.layer:
            part, ready = layer.attention.attn, layer.attention.before(hidden)
            query, key, value = (getattr(part, name)(ready).view(rows, length, self.attention_heads, -1).transpose(1, 2) for name in "qkv")
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
            mixed = part.o(mixed.transpose(1, 2).reshape(rows, length, -1))
            hidden = layer.attention.LayerNorm(mixed + hidden)
            inner = functional.gelu(layer.intermediate.dense(layer.intermediate.before(hidden)))
            hidden = layer.output.LayerNorm(layer.output.dense(layer.output.before(inner)) + hidden)
        return hidden


def _encoder(config):
    """The encoder a configuration names; called with ids and mask it gives the hidden states."""
    if config.get("architecture") == "mpnet":
        return Mpnet(config)
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(**config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager"), add_pooling_layer=False)


class Classifier(nn.Module):
    """Outputs raw scores (logits): sentiment [B,3], aspects [B,5], command [B,7]."""

    def __init__(self, config, dropout=0.1):
        super().__init__()
        self.encoder = _encoder(config)
        self.dropout = nn.Dropout(dropout)
        hidden = config["hidden_size"]
        self.heads = nn.ModuleDict({"sentiment": nn.Linear(hidden, len(SENTIMENTS)), "aspects": nn.Linear(hidden, len(ASPECTS)),
                                    "command": nn.Linear(hidden, len(COMMANDS))})
        for parameter in self.encoder.embeddings.parameters():
            parameter.requires_grad = False

    def pooled(self, input_ids, attention_mask):
        """Mean of the last hidden states over the tokens."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        hidden = hidden if isinstance(hidden, torch.Tensor) else hidden.last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1)

    def forward(self, input_ids, attention_mask):
        pooled = self.dropout(self.pooled(input_ids, attention_mask))
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

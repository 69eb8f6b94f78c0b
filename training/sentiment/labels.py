"""Label names in the order of the model's outputs. The order is part of the file format: never reorder."""

SENTIMENTS = ("negative", "neutral", "positive")
ASPECTS = ("buffering", "picture", "latency", "audio", "availability")
COMMANDS = ("none", "lower_quality", "raise_quality", "set_quality", "lower_latency", "more_buffer", "status")
LANGUAGES = ("en", "es", "pt", "fr", "de", "it", "hi", "ar")


def aspect_vector(field):
    """`none` or a comma list -> one 0/1 value per aspect."""
    if field == "none":
        return [0.0] * len(ASPECTS)
    named = field.split(",")
    unknown = set(named) - set(ASPECTS)
    if unknown:
        raise ValueError(f"unknown aspect {sorted(unknown)}")
    return [1.0 if aspect in named else 0.0 for aspect in ASPECTS]


def command_intent(field):
    """The intent class of a command label: `set_quality=720p` -> `set_quality`."""
    intent = field.split("=", 1)[0]
    if intent not in COMMANDS:
        raise ValueError(f"unknown command {field!r}")
    return intent

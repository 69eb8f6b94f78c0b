"""How bodies are written that schemathesis does not know: loaded through SCHEMATHESIS_HOOKS by tests/it/api.rs."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    """One JSON document is a batch of one line."""
    return json.dumps(value).encode()


@schemathesis.serializer("application/cmcd")
def cmcd(ctx, value):
    """Records are text."""
    return str(value).encode()

"""Hooks of `make schemathesis`."""

import re

import schemathesis

CONTEXT = ("tenant_id", "env", "user_id")
ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@schemathesis.hook
def map_body(context, body):
    """Takes ids of the caller out of a body: others than those of the headers are refused (`context_mismatch`)."""
    if isinstance(body, dict):
        valid = [field for field in CONTEXT if isinstance(body.get(field), str) and ID.fullmatch(body[field])]
        return {field: value for field, value in body.items() if field not in valid}
    return body

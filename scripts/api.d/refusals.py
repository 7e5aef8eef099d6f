"""What a schema cannot say, for schemathesis: which refusals of valid requests are right, and which
requests that it made invalid are valid all the same.

A refusal counts as right only if it says what it refuses: the place in the body, or the parameter.
"""

import json
import os
import re

import jsonschema
import schemathesis

OWN_KEYS = frozenset(os.environ.get("HEALTH_WORKER_FUZZ_KEYS", "").split())
# Parameters whose texts are more than a pattern can tell; so are those with a format.
LANGUAGES = {"cursor", "selector"}
# The limits of texts are bytes, and a schema counts characters; and one parameter of several may have to
# be there.
BEYOND_SCHEMA = re.compile(r"has \d+ bytes: at most|is missing, and so is")
# Answers "no" by the status alone: 503 with a body of its own is no failure.
HEALTH = "/v1/routes/{policy}/members/{member}/health"


@schemathesis.hook
def filter_case(context, case):
    """Nobody revokes or rotates the keys that the run itself goes by."""
    return not OWN_KEYS.intersection(map(str, (case.path_parameters or {}).values()))


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if failure.code == "ST202":
        return not refuses_rightly(case, response)
    if failure.code == "ST201":
        # Another precondition than the one that holds is refused before the body is looked at.
        return response.status_code != 412 and not is_valid_without_nulls(case)
    if failure.code == "ST101" and case.operation.path == HEALTH:
        return "published" not in json.loads(response.content)
    return True


def refuses_rightly(case, response):
    try:
        errors = json.loads(response.content).get("errors", [])
    except ValueError:
        return False
    match response.status_code:
        # Rules between several keys.
        case 422:
            return bool(errors) and all("pointer" in error for error in errors)
        case 412:
            return True
        case 400:
            languages = LANGUAGES | parameters_with_format(case)
            return bool(errors) and all(
                error.get("parameter") in languages or BEYOND_SCHEMA.match(error["detail"])
                for error in errors
            )
    return False


def parameters_with_format(case):
    described = case.operation.schema.raw_schema["paths"][case.operation.path][case.method.lower()]
    return {
        parameter["name"] for parameter in described.get("parameters", []) if has_format(parameter["schema"])
    }


def has_format(schema):
    inner = [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    return "format" in schema or any(map(has_format, inner))


def is_valid_without_nulls(case):
    """Where a key may be missing, null says the same."""
    if not isinstance(case.body, (dict, list)):
        return False
    description = case.operation.schema.raw_schema
    operation = description["paths"][case.operation.path][case.method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get(case.media_type)
    if content is None:
        return False
    schema = {**content["schema"], "components": description["components"]}
    return jsonschema.Draft202012Validator(schema).is_valid(without_nulls(case.body))


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value

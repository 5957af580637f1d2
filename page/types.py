"""Types of the page from the server's records: `make page-types` writes src/schema.d.ts."""

import json

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tacit.web import schemas

MODELS = [
    (m, "serialization" if issubclass(m, schemas.Record) else "validation")
    for m in vars(schemas).values()
    if isinstance(m, type) and issubclass(m, BaseModel) and m.__module__ == schemas.__name__
]
_, found = models_json_schema(MODELS, ref_template="#/components/schemas/{model}")
api = {"openapi": "3.1.0", "info": {"title": "Tacit", "version": "1"}, "paths": {}}
print(json.dumps({**api, "components": {"schemas": found["$defs"]}}))

"""`damopipe schema`: the JSON Schema of pipeline files, for editors."""

from __future__ import annotations

from damopipe.cli import output


def command() -> int:
    """Print the JSON Schema of pipeline files (Draft 4).

    Write it beside your pipelines and begin them with `#:schema ./damopipe.schema.json`: editors with taplo then
    complete keys and mark mistakes.
    """
    import json

    from damopipe.pipeline.schema import json_schema

    output.data(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0

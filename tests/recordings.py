"""Real recordings and damo's own answers to them, kept beside the checkout: they are read in place.

Where they are not there, a test that asks for one is skipped and says where it looked.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.interop.importing import import_file
from damopipe.interop.items import Known
from tests.rows import Sql

SHARED = Path(__file__).parents[2] / "shared/data"


def real(name: str) -> Path:
    """A file of them, or the test is skipped."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"there are no recordings in {SHARED}")
    return path


def taken_in(sql: Sql, name: str) -> Sql:
    """A recording as a new run of `sql`, with what lies beside it."""
    imported = import_file(real(name), sql.store, Known(), lambda imported, source: None)
    assert imported.run_id is not None and imported.damage is None
    sql.run_id = imported.run_id
    return sql

"""DAMOS as a model: which regions a scheme is for, how much of it a quota lets through, and what is told of it.

Kernel document: Documentation/mm/damon/design.rst, "Operation Schemes".
"""

from __future__ import annotations

from damopipe.simulator.damos.schemes import Damos as Damos
from damopipe.simulator.damos.schemes import DamosRecords as DamosRecords

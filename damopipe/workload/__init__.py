"""Known memory access patterns to run: masim's configuration format and built-in shapes."""

from damopipe.workload.model import Pattern, Phase, Region, Workload
from damopipe.workload.shapes import SHAPES, Shape, load

__all__ = ["SHAPES", "Pattern", "Phase", "Region", "Shape", "Workload", "load"]

"""A [module] table as a `PlannedModule`: every parameter that is known, as given or else at the kernel's default.

Also what was left out is written, so that the same file gives the same run whatever was set before.
"""

from __future__ import annotations

from damopipe.damon.modules import MODULES
from damopipe.pipeline.model import Module
from damopipe.pipeline.module_values import kernel_text
from damopipe.pipeline.planned import PlannedModule


def planned_module(module: Module) -> PlannedModule:
    """The module with nothing left to decide, but for parameters that its kernel does not have."""
    known = MODULES[module.name].parameters
    given = {one.name: kernel_text(one, module.parameters[one.name]) for one in known if one.name in module.parameters}
    return PlannedModule(
        name=module.name,
        parameters={one.name: given.get(one.name, one.default) for one in known},
        defaults=tuple(one.name for one in known if one.name not in given),
    )

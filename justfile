# List the recipes.
default:
    @just --list --unsorted

# Run a pipeline: `just run pipelines/quickstart.toml`.
run file="pipelines/quickstart.toml" *args:
    python -m damopipe run {{file}} {{args}}

# Run the tests.
test *args:
    python -m pytest {{args}}

# Run a command as root in a virtual machine whose kernel has DAMON: `just vm --kernel 6.12 -- CMD`.
[positional-arguments]
vm *args:
    @python -m tests.vm "$@"

# Test the report in Chromium.
browser *args:
    python -m pytest tests/browser {{args}}

# Static checks: style, types, import contracts, generated pages.
lint:
    ruff check .
    ruff format --check .
    mypy
    lint-imports
    python -m cogapp --check docs/*.md README.md

# Write the generated parts of docs/ anew.
docs:
    python -m cogapp -r docs/*.md README.md

# Print the benchmarks' figures, as ratios beside a floor in the same run.
bench:
    for bench in benchmarks/bench_*.py; do python "$bench" || exit 1; done

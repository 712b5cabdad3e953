"""`python -m damopipe` is `damopipe`."""

from damopipe.cli import main

if __name__ == "__main__":
    main()

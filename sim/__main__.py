"""`python -m sim`: the same as the command `spillway`, without relying on where scripts are installed."""

from sim.cli import main

if __name__ == "__main__":
    main()

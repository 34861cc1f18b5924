"""`python -m interphase`."""

from interphase.cli import main

if __name__ == "__main__":
    main()

"""``python -m microcalc``."""

from microcalc.cli import main

if __name__ == "__main__":
    main()

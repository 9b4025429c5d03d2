"""The command line: argv in, text out."""


def main() -> None:
    """Run the command line."""
    raise SystemExit("geo-service: not assembled yet")

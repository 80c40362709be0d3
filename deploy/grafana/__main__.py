"""``python -m deploy.grafana``: write the dashboards anew where they are kept; with a folder, provisioning as well."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.grafana.write import write, write_dashboards


def main(arguments: list[str]) -> int:
    if len(arguments) > 1 or any(one.startswith("-") for one in arguments):
        print("Say where the files go: python -m deploy.grafana [FOLDER]", file=sys.stderr)
        return 2
    written = write(Path(arguments[0])) if arguments else write_dashboards(Path(__file__).parent / "dashboards")
    print(*written, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

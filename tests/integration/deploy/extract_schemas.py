"""Write schemas.json: what the Terraform providers' schemas say of the kinds of resources that deploy/terraform uses.

    python extract_schemas.py FOLDER     with the folder `package` of each of the npm packages @cdktn/provider-*, as
                                         FOLDER/aws, FOLDER/azurerm, FOLDER/google

Those packages are made from the schemas that the providers themselves print, and hold them as TypeScript declarations.
Run it anew where a module uses a kind that schemas.json has not, or for a newer provider.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODULES = HERE.parents[2] / "deploy" / "terraform"
_KIND = re.compile(r'^(resource|data) "((aws|azurerm|google)_\w+)"', re.MULTILINE)
# one attribute: the end of the comment that has its name in Terraform, then its declaration
_ATTRIBUTE = re.compile(
    r"#(?P<name>\w+) [^\n]*\n(?:(?!\*/)[^\n]*\n)*?\s*\*/\s*readonly \w+(?P<optional>\?)?: (?P<type>[^;{]+|\{)"
)
_INTERFACE = re.compile(r"export interface (\w+)[^{]*\{\n(.*?)\n\}", re.DOTALL)


def snake(name: str) -> str:
    """A name in camel case as Terraform writes it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def block_of(interfaces: dict[str, str], name: str) -> dict[str, object]:
    """The attributes of one block: whether each is required, and of what type it is, or what block."""
    found: dict[str, object] = {}
    for match in _ATTRIBUTE.finditer(interfaces[name]):
        kinds = [word for word in re.findall(r"\w+", match["type"]) if word in interfaces]
        inner: dict[str, object] = {"required": match["optional"] is None}
        if kinds:
            inner["block"] = block_of(interfaces, kinds[0])
        else:
            inner["type"] = "map" if match["type"].startswith("{") else match["type"].split(" |")[0].strip()
        found[match["name"]] = inner
    return found


def schema_of(package: Path, category: str, kind: str) -> dict[str, object]:
    """The schema of one kind of resource or data source."""
    name = kind.split("_", 1)[1].replace("_", "-")
    folder = f"data-{kind.replace('_', '-')}" if category == "data" else name
    text = (package / "lib" / folder / "index.d.ts").read_text(encoding="utf-8")
    interfaces = dict(_INTERFACE.findall(text))
    (config,) = [name for name in interfaces if name.endswith("Config") and f"{name} extends" in text]
    last_class = text[text.rindex("export declare class") :]
    return {
        "arguments": block_of(interfaces, config),
        "attributes": sorted(attributes_of(last_class)),
    }


def attributes_of(text: str) -> set[str]:
    """What can be referred to: the getters, without those that repeat what was put in."""
    names = set(re.findall(r"^    get (\w+)\(\)", text, re.MULTILINE))
    return {snake(name) for name in names if not (name.endswith("Input") and name.removesuffix("Input") in names)}


def main(folder: str) -> None:
    """Write schemas.json for all kinds that the modules use."""
    kinds = {match[:2] for path in MODULES.rglob("*.tf") for match in _KIND.findall(path.read_text(encoding="utf-8"))}
    packages = {name: Path(folder, name, "package") for name in ("aws", "azurerm", "google")}
    found = {
        f"{category}.{kind}": schema_of(packages[kind.split("_")[0]], category, kind)
        for category, kind in sorted(kinds)
    }
    versions = {}
    for name, package in packages.items():
        text = (package / "lib" / "provider" / "index.d.ts").read_text(encoding="utf-8")
        versions[name] = re.search(rf"hashicorp/{name}/([\d.]+)/", text)[1]  # type: ignore[index]
    # a line for each kind, so that a change of one shows as one
    lines = [f"{json.dumps(kind)}: {json.dumps(schema, sort_keys=True)}" for kind, schema in found.items()]
    text = f'{{"versions": {json.dumps(versions)},\n"schemas": {{\n' + ",\n".join(lines) + "\n}}\n"
    (HERE / "schemas.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

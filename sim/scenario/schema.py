"""The JSON schema of scenario files, for editors that complete and refuse while somebody types."""

from typing import Any

from sim.scenario.model import Scenario


def schema() -> dict[str, Any]:
    """Return the JSON schema of a scenario file, for editors."""
    document = Scenario.model_json_schema()
    definitions = document["$defs"]
    for name, table in definitions.items():
        keys = table.get("properties", {})
        if name.startswith("Param"):
            definitions[name] = {"anyOf": [keys["value"], table]}  # bare, or with its origin
        elif name == "Programme":
            definitions[name] = {"anyOf": [keys["preset"], table]}
    # A row that names a built-in one changes the keys it gives and keeps the others.
    definitions["Product"]["required"] = ["code"]
    definitions["SlaTerms"]["required"] = ["name"]
    return document

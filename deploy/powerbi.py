"""What Power BI needs to read the curated data through Athena, from the stack's outputs."""

import json
import os
from pathlib import Path
from typing import Any, Final

from console.answers import Answer
from console.speech import progress, say
from deploy import stackfile
from petrostream.errors import UsageError
from petrostream.files import naming
from petrostream.settings import state_folder

DSN: Final = "PetroStream"
DRIVER: Final = "Amazon Athena ODBC (x64)"
CATALOG: Final = "AwsDataCatalog"
PBIDS_NAME: Final = "petrostream.pbids"
REG_NAME: Final = "petrostream-dsn.reg"
INI_NAME: Final = "petrostream-odbc.ini"
README_NAME: Final = "README.md"
_PROFILE: Final = "default"
_OUTPUTS: Final = ("region", "glue_database", "athena_workgroup", "results_bucket")


def run(profile: str | None = None) -> Answer:
    """Write the files of the platform that is up on AWS into the state folder.

    Raises
    ------
    UsageError
        If none is up there.
    """
    found = stackfile.read()
    if found is None:
        raise UsageError("nothing is up on AWS: `petrostream up --target aws` first")
    missing = [name for name in _OUTPUTS if name not in found["outputs"]]
    if missing:
        raise UsageError(
            f"the stack file lacks {', '.join(missing)}: `petrostream up --target aws` writes it "
            "anew"
        )
    folder = state_folder() / "powerbi"
    say(f"written into {folder}:")
    paths = write(found["outputs"], folder, profile or os.environ.get("AWS_PROFILE"))
    for path in paths:
        progress(path.name)
    return Answer({"folder": str(folder), "files": [path.name for path in paths]})


def render(outputs: dict[str, Any], profile: str | None = None) -> dict[str, str]:
    """The files' contents, by name."""
    settings = {
        "Description": "PetroStream's curated data",
        "AwsRegion": str(outputs["region"]),
        "Catalog": CATALOG,
        "Schema": str(outputs["glue_database"]),
        "Workgroup": str(outputs["athena_workgroup"]),
        "S3OutputLocation": f"s3://{outputs['results_bucket']}/",
        "AuthenticationType": "IAM Profile",
        "AWSProfile": profile or _PROFILE,
    }
    return {
        PBIDS_NAME: _pbids(),
        REG_NAME: _registry_file(settings),
        INI_NAME: _ini(settings),
        README_NAME: _readme(settings),
    }


def write(outputs: dict[str, Any], folder: Path, profile: str | None = None) -> list[Path]:
    """Write the files into a folder and name them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in render(outputs, profile).items():
        path = folder / name
        with naming(path):
            path.write_text(text, encoding="utf-8", newline="" if name == REG_NAME else None)
        paths.append(path)
    return paths


def _pbids() -> str:
    """Power BI's file of a data source: the generic ODBC connector, by the DSN's name.

    The Athena connector itself declares no form of its own for such files.
    """
    document = {
        "version": "0.1",
        "connections": [
            {
                "details": {
                    "protocol": "odbc",
                    "address": {"options": {"dsn": DSN}},
                },
                "options": {},
                "mode": "Import",
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _registry_file(settings: dict[str, str]) -> str:
    """A user DSN for Windows, to be imported by a double click."""
    key = r"HKEY_CURRENT_USER\Software\ODBC\ODBC.INI"
    lines = [
        "Windows Registry Editor Version 5.00",
        "",
        rf"[{key}\ODBC Data Sources]",
        f'"{DSN}"="{DRIVER}"',
        "",
        rf"[{key}\{DSN}]",
        f'"Driver"="{DRIVER}"',
        *[f'"{name}"="{value}"' for name, value in settings.items()],
        "",
    ]
    return "\r\n".join(lines)


def _ini(settings: dict[str, str]) -> str:
    lines = [
        "[ODBC Data Sources]",
        f"{DSN}={DRIVER}",
        "",
        f"[{DSN}]",
        f"Driver={DRIVER}",
        *[f"{name}={value}" for name, value in settings.items()],
        "",
    ]
    return "\n".join(lines)


def _readme(settings: dict[str, str]) -> str:
    return f"""# PetroStream in Power BI

1. Install Power BI Desktop and Amazon's ODBC driver 2.x for Athena:
   https://docs.aws.amazon.com/athena/latest/ug/odbc-v2-driver.html
2. Have an AWS profile `{settings["AWSProfile"]}` that may read (docs/deploying.md).
3. Make the DSN `{DSN}`: double-click `{REG_NAME}`, or type in "ODBC Data Sources (64-bit)",
   under the driver "{DRIVER}", what it holds. (`{INI_NAME}` is for Linux and macOS.)
   If "Test" says that the driver can't be loaded, make the DSN by hand: the registry file names
   the driver, and some releases of the ODBC administrator want the path of its DLL.
4. In Power BI: Get data, Amazon Athena, DSN `{DSN}`; mode DirectQuery or Import. Or open
   `{PBIDS_NAME}`, which does the same with the generic ODBC connector (Import only).
5. Choose `{settings["Schema"]}`, tables `scored` and `events`. Filter on `date` first: what a
   query reads costs 5 USD a TB, and the workgroup `{settings["Workgroup"]}` ends queries that read
   too much.
"""

"""The files for Power BI: rendered from the stack's outputs, with the driver's own keys."""

import configparser
import json
import re
from pathlib import Path

from deploy import powerbi

OUTPUTS = {
    "region": "eu-west-1",
    "glue_database": "petrostream",
    "athena_workgroup": "petrostream",
    "results_bucket": "petrostream-results-123456789012-eu-west-1",
}


def test_the_dsn_has_what_the_driver_needs(tmp_path: Path) -> None:
    powerbi.write(OUTPUTS, tmp_path, profile="wells")
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(tmp_path / powerbi.INI_NAME)
    assert parser["ODBC Data Sources"][powerbi.DSN] == powerbi.DRIVER
    assert dict(parser[powerbi.DSN]) == {
        "Driver": powerbi.DRIVER,
        "Description": "PetroStream's curated data",
        "AwsRegion": "eu-west-1",
        "Catalog": "AwsDataCatalog",
        "Schema": "petrostream",
        "Workgroup": "petrostream",
        "S3OutputLocation": "s3://petrostream-results-123456789012-eu-west-1/",
        "AuthenticationType": "IAM Profile",
        "AWSProfile": "wells",
    }


def test_the_registry_file_says_the_same_in_windows_form(tmp_path: Path) -> None:
    powerbi.write(OUTPUTS, tmp_path)
    text = (tmp_path / powerbi.REG_NAME).read_bytes().decode()
    assert text.startswith("Windows Registry Editor Version 5.00\r\n")
    assert all(line.endswith("\r") for line in text.split("\n")[:-1])
    found = dict(re.findall(r'^"(\w+)"="(.*)"\r$', text, re.MULTILINE))
    assert found["AwsRegion"] == "eu-west-1" and found["AWSProfile"] == "default"
    assert found[powerbi.DSN] == powerbi.DRIVER


def test_the_data_source_file_is_one_connection_and_holds_no_secret() -> None:
    files = powerbi.render(OUTPUTS)
    document = json.loads(files[powerbi.PBIDS_NAME])
    assert document["version"] == "0.1" and len(document["connections"]) == 1
    assert document["connections"][0]["details"]["address"]["options"]["dsn"] == powerbi.DSN
    for text in files.values():
        assert not re.search(r"(?i)secret|password|pwd=|AKIA", text)

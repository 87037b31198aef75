# What SQL sees.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "catalog" {
  module { source = "./modules/catalog" }

  variables {
    name           = "petrostream"
    curated_bucket = "curated"
    results_bucket = "results"
    wells          = ["WELL-00001", "WELL-00002"]
    query_limit_gb = 10
  }

  assert {
    condition     = aws_glue_catalog_table.scored.parameters["storage.location.template"] == "s3://curated/scored/well=$${well}/date=$${date}"
    error_message = "SQL looks for partitions where there are none"
  }

  assert {
    condition     = aws_glue_catalog_table.scored.parameters["projection.well.values"] == "WELL-00001,WELL-00002"
    error_message = "SQL does not find the wells that were named"
  }

  assert {
    condition     = alltrue([for column in aws_glue_catalog_table.scored.storage_descriptor[0].columns : can(regex("^[a-z][a-z0-9_]*$", column.name))])
    error_message = "a column's name is none that SQL takes"
  }

  assert {
    condition     = aws_athena_workgroup.this.configuration[0].bytes_scanned_cutoff_per_query == 10000000000 && aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration
    error_message = "a query may read without a limit"
  }

  assert {
    condition     = length(aws_athena_named_query.this) == length(fileset("modules/catalog/queries", "*.sql")) && alltrue([for query in aws_athena_named_query.this : strcontains(query.query, "\"date\" BETWEEN ? AND ?")])
    error_message = "a saved query reads every day there is"
  }
}

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
    query_limit_gb = 10
  }

  assert {
    condition     = alltrue([for table in [aws_glue_catalog_table.scored, aws_glue_catalog_table.events] : length([for name in keys(table.parameters) : name if startswith(name, "projection.")]) == 0 && table.partition_keys[*].name == tolist(["well", "date"])])
    error_message = "SQL finds only wells that were named, not those that were scored"
  }

  assert {
    condition     = aws_glue_catalog_table.scored.storage_descriptor[0].location == "s3://curated/scored/" && aws_glue_catalog_table.events.storage_descriptor[0].location == "s3://curated/events/"
    error_message = "SQL looks for partitions where there are none"
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
    condition     = startswith(aws_athena_workgroup.this.configuration[0].result_configuration[0].output_location, "s3://results/") && aws_athena_workgroup.this.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_S3"
    error_message = "results may go elsewhere, or stand there unencrypted"
  }

  assert {
    condition     = length(aws_athena_named_query.this) == length(fileset("modules/catalog/queries", "*.sql")) && alltrue([for query in aws_athena_named_query.this : strcontains(query.query, "\"date\" BETWEEN ? AND ?")])
    error_message = "a saved query reads every day there is"
  }
}

locals {
  # Printed by `python -m petrostream.schema.sql_columns`; a test fails when it parts from what is scored.
  scored_columns = jsondecode(file("${path.module}/columns.json"))

  queries = {
    all-anomalies         = "Every row that was flagged, newest first"
    mean-pressure-by-well = "Mean pressures of each well while nothing was flagged, and while something was"
    worst-hours           = "The hours with the most flagged rows"
    alarms-by-day         = "Alarms that began, by well and day"
    anomalies-by-label    = "Rows flagged of each 3W label, by well"
    driving-sensors       = "Which sensors were furthest off in flagged rows"
  }
}

resource "aws_glue_catalog_database" "this" {
  name        = replace(var.name, "-", "_")
  description = "Curated data of ${var.name}."
}

# The function adds a partition for each well and day that it scores, `up` for what is there already:
# none has to be named here, and no crawler runs.
resource "aws_glue_catalog_table" "scored" {
  name          = "scored"
  description   = "One row a reading, with its score. Partitioned by well and date: name dates in a query, it is billed by what it reads."
  database_name = aws_glue_catalog_database.this.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    "EXTERNAL"       = "TRUE"
    "classification" = "parquet"
  }

  dynamic "partition_keys" {
    for_each = ["well", "date"]

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = "s3://${var.curated_bucket}/scored/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

      # By position: 3W's names have hyphens, which SQL does not take (P-PDG is p_pdg here).
      parameters = { "parquet.column.index.access" = "true" }
    }

    dynamic "columns" {
      for_each = local.scored_columns

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }
}

resource "aws_glue_catalog_table" "events" {
  name          = "events"
  description   = "One row a batch in which an alarm was on. A run with `opens` begins an alarm, the others go on with one of the batch before."
  database_name = aws_glue_catalog_database.this.name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    "EXTERNAL"       = "TRUE"
    "classification" = "json"
  }

  dynamic "partition_keys" {
    for_each = ["well", "date"]

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = "s3://${var.curated_bucket}/events/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
    }

    columns {
      name    = "model_version"
      type    = "string"
      comment = "model that scored the batch"
    }

    columns {
      name    = "merge_gap_seconds"
      type    = "int"
      comment = "runs less than this apart belong together"
    }

    columns {
      name    = "runs"
      type    = "array<struct<recording:string,start:bigint,end:bigint,peak:bigint,peak_score:double,rows:int,sensors:map<string,int>,limits:map<string,int>,opens:boolean>>"
      comment = "rows in alarm that follow each other; times in microseconds since 1970; percent by sensor, rows by limit"
    }
  }
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Queries of the curated data; one may read ${var.query_limit_gb} GB at most."
  force_destroy = true # its history of queries, not data

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.query_limit_gb * 1000000000

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${var.results_bucket}/athena/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

resource "aws_athena_named_query" "this" {
  for_each = local.queries

  name        = each.key
  description = each.value
  workgroup   = aws_athena_workgroup.this.name
  database    = aws_glue_catalog_database.this.name
  query       = file("${path.module}/queries/${each.key}.sql")
}

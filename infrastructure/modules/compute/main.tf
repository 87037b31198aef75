resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "this" {
  function_name                  = var.function_name
  description                    = "Scores the batches that the queue announces."
  role                           = aws_iam_role.this.arn
  package_type                   = "Image"
  image_uri                      = var.image_uri
  architectures                  = ["arm64"]
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = {
      PETROSTREAM_RAW_BUCKET        = var.buckets.raw.name
      PETROSTREAM_CURATED_BUCKET    = var.buckets.curated.name
      PETROSTREAM_MODELS_BUCKET     = var.buckets.models.name
      PETROSTREAM_MODEL_PARAMETER   = var.model_parameter.name
      PETROSTREAM_TOPIC_ARN         = var.topic_arn
      PETROSTREAM_CATALOG           = var.catalog.database
      PETROSTREAM_QUEUE_URL         = var.queues.ingest.url
      PETROSTREAM_RETRIES_QUEUE_URL = var.queues.retries.url
      POWERTOOLS_LOG_LEVEL          = var.log_level
    }
  }

  logging_config {
    log_format = "Text" # the function writes JSON lines itself, and its metrics with them
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_iam_role_policy.runtime, aws_iam_role_policy.scoring]
}

resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn                   = var.queues.ingest.arn
  function_name                      = aws_lambda_function.this.function_name
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}

# One message at a time: an object that ends the invocation takes no other along.
resource "aws_lambda_event_source_mapping" "retries" {
  event_source_arn                   = var.queues.retries.arn
  function_name                      = aws_lambda_function.this.function_name
  batch_size                         = 1
  maximum_batching_window_in_seconds = 0
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.retries_concurrency
  }
}

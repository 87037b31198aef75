# The function: its image, its bounds, its role.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  function_name        = "petrostream-scoring"
  image_uri            = "111122223333.dkr.ecr.us-east-1.amazonaws.com/petrostream-scoring@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  memory_mb            = 1024
  timeout_seconds      = 60
  reserved_concurrency = -1
  log_level            = "INFO"
  log_retention_days   = 30
  queues = {
    ingest  = { url = "https://sqs.us-east-1.amazonaws.com/111122223333/petrostream-ingest", arn = "arn:aws:sqs:us-east-1:111122223333:petrostream-ingest" }
    retries = { url = "https://sqs.us-east-1.amazonaws.com/111122223333/petrostream-ingest-retries", arn = "arn:aws:sqs:us-east-1:111122223333:petrostream-ingest-retries" }
  }
  batch_size              = 10
  batching_window_seconds = 0
  maximum_concurrency     = 8
  retries_concurrency     = 2
  buckets = {
    raw     = { name = "raw", arn = "arn:aws:s3:::raw" }
    curated = { name = "curated", arn = "arn:aws:s3:::curated" }
    models  = { name = "models", arn = "arn:aws:s3:::models" }
  }
  model_parameter = { name = "/petrostream/model", arn = "arn:aws:ssm:us-east-1:111122223333:parameter/petrostream/model" }
  topic_arn       = "arn:aws:sns:us-east-1:111122223333:petrostream-alarms"
  catalog         = { database = "petrostream", arns = ["arn:aws:glue:us-east-1:111122223333:catalog"] }
}

run "function" {
  module { source = "./modules/compute" }

  assert {
    condition     = aws_lambda_function.this.image_uri == var.image_uri && aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "the function is not the arm64 image that was named by its digest"
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "no traces, or a log without an end"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "one bad batch would bring the good ones back"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.scaling_config[0].maximum_concurrency == 8 && aws_lambda_event_source_mapping.this.batch_size == 10
    error_message = "the mapping has other bounds than asked"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.retries.batch_size == 1 && aws_lambda_event_source_mapping.retries.scaling_config[0].maximum_concurrency == 2 && aws_lambda_event_source_mapping.retries.event_source_arn == var.queues.retries.arn
    error_message = "what failed in company is not tried alone, or holds up the rest"
  }
}

run "role" {
  module { source = "./modules/compute" }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.scoring.policy).Statement : alltrue([for resource in flatten([statement.Resource]) : resource != "*"])])
    error_message = "the handler may do something everywhere"
  }

  assert {
    condition     = alltrue([for policy in [aws_iam_role_policy.scoring, aws_iam_role_policy.runtime] : alltrue([for statement in jsondecode(policy.policy).Statement : alltrue([for action in flatten([statement.Action]) : !strcontains(action, "*")])])])
    error_message = "an action is granted by wildcard"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal == { Service = "lambda.amazonaws.com" }
    error_message = "somebody else than Lambda may take the role"
  }
}

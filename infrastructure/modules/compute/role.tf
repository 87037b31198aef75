resource "aws_iam_role" "this" {
  name        = var.function_name
  description = "What ${var.function_name} may do."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# What Lambda itself does in the function's name: read the queue, write log and traces.
resource "aws_iam_role_policy" "runtime" {
  name = "runtime"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Queue"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = [var.queues.ingest.arn, var.queues.retries.arn]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
      {
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*" # X-Ray has no resources to name
      },
    ]
  })
}

# What the handler does. A test compares it, statement by statement, with the calls that it makes.
resource "aws_iam_role_policy" "scoring" {
  name = "scoring"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadBatches"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${var.buckets.raw.arn}/readings/*"
      },
      {
        Sid    = "ReadResults"
        Effect = "Allow"
        Action = "s3:GetObject"
        Resource = [
          for prefix in ["alerts", "events", "profiles", "quarantine", "scored"] : "${var.buckets.curated.arn}/${prefix}/*"
        ]
      },
      {
        Sid    = "WriteResults"
        Effect = "Allow"
        Action = "s3:PutObject"
        Resource = [
          for prefix in ["alerts", "events", "profiles", "quarantine", "scored", "summaries"] : "${var.buckets.curated.arn}/${prefix}/*"
        ]
      },
      {
        Sid      = "WithdrawResults"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = [for prefix in ["events", "quarantine", "summaries"] : "${var.buckets.curated.arn}/${prefix}/*"]
      },
      {
        Sid      = "ReadModels"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${var.buckets.models.arn}/models/*"
      },
      {
        # Whoever may not list a bucket is told 403, not 404, of an object that is not there, and
        # this can't be narrowed to a prefix: reading an object names none.
        Sid      = "TellMissingFromForbidden"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = [for bucket in var.buckets : bucket.arn]
      },
      {
        Sid      = "FindModel"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = var.model_parameter.arn
      },
      {
        Sid      = "Alert"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = var.topic_arn
      },
      {
        Sid      = "LeaveForATryAlone"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = var.queues.retries.arn
      },
      {
        # At once: the invocation may die over another message before Lambda does it.
        Sid      = "TakeWhatWasLeft"
        Effect   = "Allow"
        Action   = "sqs:DeleteMessage"
        Resource = var.queues.ingest.arn
      },
      {
        Sid      = "TellSqlWhichWells"
        Effect   = "Allow"
        Action   = ["glue:BatchCreatePartition", "glue:GetTable"]
        Resource = var.catalog.arns
      },
    ]
  })
}

locals {
  retention_seconds = 14 * 24 * 3600

  tls_only = {
    for kind, arn in var.queue_arns : kind => {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-ingest-dlq"
  max_message_size          = 262144
  message_retention_seconds = local.retention_seconds
  receive_wait_time_seconds = 20
  sqs_managed_sse_enabled   = true

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.tls_only.dead]
  })

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [var.queue_arns.ingest, var.queue_arns.retries]
  })
}

resource "aws_sqs_queue" "ingest" {
  name                       = "${var.name}-ingest"
  max_message_size           = 262144
  message_retention_seconds  = local.retention_seconds
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = var.visibility_timeout_seconds
  sqs_managed_sse_enabled    = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "RawBucketAnnounces"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = var.queue_arns.ingest
        Condition = {
          ArnEquals    = { "aws:SourceArn" = var.raw_bucket.arn }
          StringEquals = { "aws:SourceAccount" = var.account_id }
        }
      },
      local.tls_only.ingest,
    ]
  })

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.max_receive_count
  })
}

# The function itself sends here what failed in company, to be tried alone. No statement allows anybody
# to send: who may do it is said by the policies of the function's role and of the operator.
resource "aws_sqs_queue" "retries" {
  name                       = "${var.name}-ingest-retries"
  max_message_size           = 262144
  message_retention_seconds  = local.retention_seconds
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = var.visibility_timeout_seconds
  sqs_managed_sse_enabled    = true

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.tls_only.retries]
  })

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_s3_bucket_notification" "readings" {
  bucket = var.raw_bucket.name

  queue {
    id            = "readings"
    queue_arn     = aws_sqs_queue.ingest.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.key_prefix
    filter_suffix = var.key_suffix
  }
}

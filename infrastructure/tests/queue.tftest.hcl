# The queue: who may send, how long messages stay, where the failed ones go.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "queue" {
  module { source = "./modules/queue" }

  variables {
    name                       = "petrostream"
    queue_arns                 = { ingest = "arn:aws:sqs:us-east-1:111122223333:petrostream-ingest", retries = "arn:aws:sqs:us-east-1:111122223333:petrostream-ingest-retries", dead = "arn:aws:sqs:us-east-1:111122223333:petrostream-ingest-dlq" }
    account_id                 = "111122223333"
    raw_bucket                 = { name = "raw", arn = "arn:aws:s3:::raw" }
    key_prefix                 = "readings/"
    key_suffix                 = ".parquet"
    visibility_timeout_seconds = 360
    max_receive_count          = 5
  }

  assert {
    condition     = aws_s3_bucket_notification.readings.queue[0].filter_prefix == "readings/" && aws_s3_bucket_notification.readings.queue[0].filter_suffix == ".parquet"
    error_message = "objects that are no batches would be announced"
  }

  assert {
    condition     = aws_s3_bucket_notification.readings.queue[0].events == toset(["s3:ObjectCreated:*"])
    error_message = "other events than new objects would be announced"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.ingest.policy).Statement[0].Condition == { ArnEquals = { "aws:SourceArn" = "arn:aws:s3:::raw" }, StringEquals = { "aws:SourceAccount" = "111122223333" } }
    error_message = "others than the raw bucket of this account may send"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.ingest, aws_sqs_queue.retries, aws_sqs_queue.dead] : contains([for statement in jsondecode(queue.policy).Statement : statement.Sid], "TlsOnly")])
    error_message = "a queue can be reached without TLS"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.ingest, aws_sqs_queue.retries] : jsondecode(queue.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 }])
    error_message = "messages that fail do not get to the dead-letter queue after five tries"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:us-east-1:111122223333:petrostream-ingest", "arn:aws:sqs:us-east-1:111122223333:petrostream-ingest-retries"] }
    error_message = "other queues may use the dead-letter queue"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.ingest, aws_sqs_queue.retries, aws_sqs_queue.dead] : queue.sqs_managed_sse_enabled && queue.message_retention_seconds == 1209600])
    error_message = "a queue is not encrypted, or forgets messages before 14 days"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.ingest, aws_sqs_queue.retries] : queue.receive_wait_time_seconds == 20 && queue.visibility_timeout_seconds == 360])
    error_message = "no long polling, or another visibility time-out"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_sqs_queue.retries.policy).Statement : statement.Effect == "Deny"])
    error_message = "somebody beside the function's role is allowed to send to the queue of what is tried alone"
  }
}

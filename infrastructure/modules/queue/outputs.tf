output "queues" {
  description = "URL and ARN of the queue that announces new batches, `ingest`, and of the one whose messages are tried alone, `retries`."
  value = {
    ingest  = { url = aws_sqs_queue.ingest.url, arn = aws_sqs_queue.ingest.arn }
    retries = { url = aws_sqs_queue.retries.url, arn = aws_sqs_queue.retries.arn }
  }
}

output "dead_letter_url" {
  description = "URL of the queue of messages that failed too often."
  value       = aws_sqs_queue.dead.url
}

output "url" {
  description = "URL of the queue that announces new batches."
  value       = aws_sqs_queue.ingest.url
}

output "arn" {
  description = "ARN of that queue."
  value       = aws_sqs_queue.ingest.arn
}

output "dead_letter_url" {
  description = "URL of the queue of messages that failed too often."
  value       = aws_sqs_queue.dead.url
}

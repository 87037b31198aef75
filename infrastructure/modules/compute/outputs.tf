output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "log_group" {
  description = "Where its log is."
  value       = aws_cloudwatch_log_group.this.name
}

output "mapping_uuid" {
  description = "The event source mapping, which feeds it from the queue; disable it, and the other, to pause scoring."
  value       = aws_lambda_event_source_mapping.this.uuid
}

output "retries_mapping_uuid" {
  description = "The event source mapping that feeds it what is tried alone."
  value       = aws_lambda_event_source_mapping.retries.uuid
}

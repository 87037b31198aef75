output "buckets" {
  description = "Name of each bucket, by its kind."
  value       = { for kind, bucket in aws_s3_bucket.this : kind => bucket.bucket }
}

output "arns" {
  description = "ARN of each bucket, by its kind."
  value       = { for kind, bucket in aws_s3_bucket.this : kind => bucket.arn }
}

output "model_parameter" {
  description = "Name of the parameter that says which model is current."
  value       = aws_ssm_parameter.model.name
}

output "model_parameter_arn" {
  description = "ARN of that parameter."
  value       = aws_ssm_parameter.model.arn
}

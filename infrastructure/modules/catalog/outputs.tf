output "database" {
  description = "Glue database of the tables `scored` and `events`."
  value       = aws_glue_catalog_database.this.name
}

output "workgroup" {
  description = "Athena workgroup with the limit and the saved queries."
  value       = aws_athena_workgroup.this.name
}

output "workgroup_arn" {
  description = "ARN of the workgroup."
  value       = aws_athena_workgroup.this.arn
}

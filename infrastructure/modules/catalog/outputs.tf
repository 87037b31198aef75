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

output "arns" {
  description = "ARNs of the catalogue, the database and its tables: what reading a table takes."
  value = [
    replace(aws_glue_catalog_database.this.arn, "/:database.*/", ":catalog"),
    aws_glue_catalog_database.this.arn,
    aws_glue_catalog_table.scored.arn,
    aws_glue_catalog_table.events.arn,
  ]
}

output "lookup_arns" {
  description = "ARNs of the catalogue and the database `default`, which Athena looks up before each query."
  value       = [for what in [":catalog", ":database/default"] : replace(aws_glue_catalog_database.this.arn, "/:database.*/", what)]
}

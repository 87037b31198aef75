output "environment" {
  description = "What producer, dashboard and scripts read, as environment variables."
  value = {
    AWS_REGION                        = var.region
    AWS_DEFAULT_REGION                = var.region
    PETROSTREAM_RAW_BUCKET            = module.storage.buckets.raw
    PETROSTREAM_CURATED_BUCKET        = module.storage.buckets.curated
    PETROSTREAM_MODELS_BUCKET         = module.storage.buckets.models
    PETROSTREAM_MODEL_PARAMETER       = module.storage.model_parameter
    PETROSTREAM_TOPIC_ARN             = module.alerting.wells_topic_arn
    PETROSTREAM_QUEUE_URL             = module.queue.queues.ingest.url
    PETROSTREAM_RETRIES_QUEUE_URL     = module.queue.queues.retries.url
    PETROSTREAM_DEAD_LETTER_QUEUE_URL = module.queue.dead_letter_url
    PETROSTREAM_FUNCTION_NAME         = module.compute.function_name
  }
}

output "name" {
  description = "Prefix of names, and value of the tag `Project`."
  value       = var.name
}

output "region" {
  description = "Region of everything."
  value       = var.region
}

output "account_id" {
  description = "Account of everything."
  value       = local.account
}

output "buckets" {
  description = "Name of each bucket, by its kind."
  value       = module.storage.buckets
}

output "repository_name" {
  description = "ECR repository of the function's image."
  value       = module.registry.name
}

output "repository_url" {
  description = "Where the function's image is pushed to."
  value       = module.registry.url
}

output "function_name" {
  description = "Name of the scoring function."
  value       = module.compute.function_name
}

output "mapping_uuid" {
  description = "Event source mapping from queue to function."
  value       = module.compute.mapping_uuid
}

output "retries_mapping_uuid" {
  description = "Event source mapping from the queue of what is tried alone to function."
  value       = module.compute.retries_mapping_uuid
}

output "log_group" {
  description = "Log of the function."
  value       = module.compute.log_group
}

output "results_bucket" {
  description = "Where queries leave their results."
  value       = module.storage.buckets.results
}

output "glue_database" {
  description = "Database of the tables `scored` and `events`."
  value       = module.catalog.database
}

output "athena_workgroup" {
  description = "Workgroup with the limit and the saved queries."
  value       = module.catalog.workgroup
}

output "topic_arn" {
  description = "Topic of the alarms of wells."
  value       = module.alerting.wells_topic_arn
}

output "platform_topic_arn" {
  description = "Topic of the alarms of the platform."
  value       = module.alerting.platform_topic_arn
}

output "budget_name" {
  description = "Budget of a month."
  value       = module.alerting.budget_name
}

output "alarm_names" {
  description = "CloudWatch alarms of the platform."
  value       = module.alerting.alarm_names
}

output "dashboard_url" {
  description = "CloudWatch dashboard of the platform."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards:name=${module.alerting.dashboard_name}"
}

output "policies" {
  description = "Policy documents (JSON) for producer, dashboard, operator and engineer, to attach to users or roles of your own."
  value       = module.access.policies
}

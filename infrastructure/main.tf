data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Names are made here, so that modules can name each other without waiting for each other.
  bucket_names  = { for kind in ["raw", "curated", "models", "results"] : kind => "${var.name}-${kind}-${local.account}-${var.region}" }
  function_name = "${var.name}-scoring"
  function_arn  = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${local.function_name}"
  queue_names   = { ingest = "${var.name}-ingest", retries = "${var.name}-ingest-retries", dead = "${var.name}-ingest-dlq" }
  queue_arns    = { for kind, name in local.queue_names : kind => "arn:${local.partition}:sqs:${var.region}:${local.account}:${name}" }

  visibility_factor = 6 # AWS's advice: six times the function's time-out, and the batching window

  # What failed in company is tried alone beside the rest, which it must not hold up; AWS has 2 as the least.
  retries_concurrency = max(2, ceil(var.maximum_concurrency / 5))
}

module "storage" {
  source = "./modules/storage"

  name                       = var.name
  bucket_names               = local.bucket_names
  raw_cold_after_days        = var.raw_cold_after_days
  raw_retention_days         = var.raw_retention_days
  old_version_retention_days = var.old_version_retention_days
  force_destroy              = var.force_destroy
}

module "queue" {
  source = "./modules/queue"

  name                       = var.name
  queue_arns                 = local.queue_arns
  account_id                 = local.account
  raw_bucket                 = { name = module.storage.buckets.raw, arn = module.storage.arns.raw }
  key_prefix                 = "readings/"
  key_suffix                 = ".parquet"
  visibility_timeout_seconds = local.visibility_factor * var.function_timeout_seconds + var.batching_window_seconds
  max_receive_count          = var.max_receive_count
}

module "registry" {
  source = "./modules/registry"

  name          = local.function_name
  function_arn  = local.function_arn
  force_destroy = var.force_destroy
}

module "alerting" {
  source = "./modules/alerting"

  name                     = var.name
  account_id               = local.account
  region                   = var.region
  email                    = var.alarm_email
  monthly_budget_usd       = var.monthly_budget_usd
  function_name            = local.function_name
  function_timeout_seconds = var.function_timeout_seconds
  queue_names              = local.queue_names
  no_data_minutes          = var.no_data_minutes
  oldest_message_seconds   = var.oldest_message_seconds
}

module "compute" {
  source = "./modules/compute"

  function_name           = local.function_name
  image_uri               = "${module.registry.url}@${var.image_digest}"
  memory_mb               = var.function_memory_mb
  timeout_seconds         = var.function_timeout_seconds
  reserved_concurrency    = var.reserved_concurrency
  log_level               = var.log_level
  log_retention_days      = var.log_retention_days
  queues                  = module.queue.queues
  batch_size              = var.batch_size
  batching_window_seconds = var.batching_window_seconds
  maximum_concurrency     = var.maximum_concurrency
  retries_concurrency     = local.retries_concurrency
  buckets                 = { for kind in ["raw", "curated", "models"] : kind => { name = module.storage.buckets[kind], arn = module.storage.arns[kind] } }
  model_parameter         = { name = module.storage.model_parameter, arn = module.storage.model_parameter_arn }
  topic_arn               = module.alerting.wells_topic_arn
  catalog                 = { database = module.catalog.database, arns = module.catalog.arns }
}

module "catalog" {
  source = "./modules/catalog"

  name           = var.name
  curated_bucket = module.storage.buckets.curated
  results_bucket = module.storage.buckets.results
  query_limit_gb = var.query_limit_gb
}

module "access" {
  source = "./modules/access"

  arns                = { for kind in ["raw", "curated", "models", "results"] : kind => module.storage.arns[kind] }
  model_parameter_arn = module.storage.model_parameter_arn
  queue_arns          = local.queue_arns
  workgroup_arn       = module.catalog.workgroup_arn
  table_arns          = module.catalog.arns
  lookup_arns         = module.catalog.lookup_arns
}

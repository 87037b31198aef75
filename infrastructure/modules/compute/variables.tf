variable "function_name" {
  description = "Name of the function."
  type        = string
}

variable "image_uri" {
  description = "The image, by its digest: `<repository>@sha256:<digest>`."
  type        = string
}

variable "memory_mb" {
  description = "Memory of the function in MB."
  type        = number
}

variable "timeout_seconds" {
  description = "How long an invocation may take."
  type        = number
}

variable "reserved_concurrency" {
  description = "Executions kept for the function; -1: none."
  type        = number
}

variable "log_level" {
  description = "What the function logs."
  type        = string
}

variable "log_retention_days" {
  description = "How long the log is kept."
  type        = number
}

variable "queues" {
  description = "Queue that announces batches, and the one whose messages are tried alone."
  type = object({
    ingest  = object({ url = string, arn = string })
    retries = object({ url = string, arn = string })
  })
}

variable "batch_size" {
  description = "Messages an invocation gets at most."
  type        = number
}

variable "batching_window_seconds" {
  description = "How long messages are gathered."
  type        = number
}

variable "maximum_concurrency" {
  description = "Invocations side by side that the queue may cause."
  type        = number
}

variable "retries_concurrency" {
  description = "Invocations side by side that the messages which are tried alone may cause."
  type        = number
}

variable "buckets" {
  description = "Name and ARN of the buckets that the function reads and writes."
  type = object({
    raw     = object({ name = string, arn = string })
    curated = object({ name = string, arn = string })
    models  = object({ name = string, arn = string })
  })
}

variable "model_parameter" {
  description = "Parameter that says which model is current."
  type        = object({ name = string, arn = string })
}

variable "topic_arn" {
  description = "Topic that gets the alarms of wells."
  type        = string
}

variable "catalog" {
  description = "Glue database of the SQL tables, and the ARNs of what adding a partition to them takes."
  type        = object({ database = string, arns = list(string) })
}

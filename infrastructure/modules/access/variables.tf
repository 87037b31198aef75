variable "arns" {
  description = "ARNs of the buckets `raw`, `curated`, `models` and `results`."
  type        = object({ raw = string, curated = string, models = string, results = string })
}

variable "model_parameter_arn" {
  description = "ARN of the parameter that says which model is current."
  type        = string
}

variable "queue_arns" {
  description = "ARNs of the queue, of the one whose messages are tried alone, and of the one for dead letters."
  type        = object({ ingest = string, retries = string, dead = string })
}

variable "workgroup_arn" {
  description = "ARN of Athena's workgroup."
  type        = string
}

variable "table_arns" {
  description = "ARNs of Glue's catalogue, of the database in it, and of the tables in that."
  type        = list(string)
}

variable "lookup_arns" {
  description = "ARNs of the catalogue and the database `default`, which Athena looks up before each query."
  type        = list(string)
}

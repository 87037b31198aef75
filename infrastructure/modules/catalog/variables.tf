variable "name" {
  description = "Prefix of names."
  type        = string
}

variable "curated_bucket" {
  description = "Bucket of scored batches and events."
  type        = string
}

variable "results_bucket" {
  description = "Bucket that takes what queries give."
  type        = string
}

variable "query_limit_gb" {
  description = "What one query may read, in GB."
  type        = number
}

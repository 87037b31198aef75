variable "name" {
  description = "Prefix of names."
  type        = string
}

variable "bucket_names" {
  description = "Names of the buckets `raw`, `curated`, `models` and `results`."
  type        = object({ raw = string, curated = string, models = string, results = string })
}

variable "raw_cold_after_days" {
  description = "Age at which raw batches move to colder storage."
  type        = number
}

variable "raw_retention_days" {
  description = "Age at which raw batches are deleted."
  type        = number
}

variable "old_version_retention_days" {
  description = "How long overwritten and deleted objects can be brought back."
  type        = number
}

variable "force_destroy" {
  description = "Whether buckets that are not empty may be destroyed."
  type        = bool
}

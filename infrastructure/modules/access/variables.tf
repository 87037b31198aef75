variable "arns" {
  description = "ARNs of the buckets `raw`, `curated` and `models`."
  type        = object({ raw = string, curated = string, models = string })
}

variable "model_parameter_arn" {
  description = "ARN of the parameter that says which model is current."
  type        = string
}

variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "function_arn" {
  description = "ARN of the function that may pull images."
  type        = string
}

variable "force_destroy" {
  description = "Whether the repository may be destroyed with images in it."
  type        = bool
}

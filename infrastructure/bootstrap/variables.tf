variable "name" {
  description = "Name of the stack that is going to be deployed."
  type        = string
  default     = "petrostream"
  nullable    = false
}

variable "region" {
  description = "Region of the state bucket."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "repository" {
  description = "GitHub repository that deploys, as `owner/name`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository is `owner/name`."
  }
}

variable "repository_ids" {
  description = "Immutable IDs of owner and repository, which GitHub puts into the subject of repositories made or renamed since 15 July 2026 (`gh api repos/<owner>/<name> --jq '.owner.id, .id'`); null for an older one that has not switched."
  type        = object({ owner = number, repository = number })
  nullable    = true
}

variable "create_oidc_provider" {
  description = "Whether to make GitHub's OIDC provider; an account has it at most once."
  type        = bool
  default     = true
  nullable    = false
}

# What it is called and where it stands

variable "name" {
  description = "Prefix of every resource's name, and value of the tag `Project` by which `make down` finds what is left."
  type        = string
  default     = "petrostream"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name takes 3 to 21 lower-case letters, digits and single hyphens, begins with a letter and ends with a letter or digit: it becomes part of bucket names."
  }
}

variable "region" {
  description = "AWS region of everything, such as `eu-west-1`."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is an AWS region's code, such as us-east-1."
  }
}

variable "allowed_account_ids" {
  description = "Accounts that may be changed; none named: whichever the credentials belong to."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.allowed_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "allowed_account_ids are of 12 digits each."
  }
}

variable "max_retries" {
  description = "How often a refused or failed API call is tried again."
  type        = number
  default     = 25
  nullable    = false

  validation {
    condition     = var.max_retries >= 0 && var.max_retries <= 50 && floor(var.max_retries) == var.max_retries
    error_message = "max_retries is a whole number from 0 to 50."
  }
}

variable "tags" {
  description = "Further tags of every resource; `Project` and `ManagedBy` are set already."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete buckets and images that are not empty. `make down` empties them itself, after asking."
  type        = bool
  default     = false
  nullable    = false
}

# The function

variable "image_digest" {
  description = "Digest of the function's image in the repository of module `registry`, such as `sha256:9f86…`; `make up` builds, pushes and names it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest is `sha256:` and 64 hexadecimal digits: a tag may move, a digest can't."
  }
}

variable "function_memory_mb" {
  description = "Memory of the function in MB; Lambda gives a whole processor at 1,769 MB."
  type        = number
  default     = 1024
  nullable    = false

  validation {
    condition     = var.function_memory_mb >= 1024 && var.function_memory_mb <= 10240 && floor(var.function_memory_mb) == var.function_memory_mb
    error_message = "function_memory_mb is from 1024 (the largest batch that is legal takes some 750 MB) to 10240."
  }
}

variable "function_timeout_seconds" {
  description = "How long an invocation (ten batches at most) may take, in seconds; messages stay hidden six times as long."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.function_timeout_seconds >= 60 && var.function_timeout_seconds <= 900 && floor(var.function_timeout_seconds) == var.function_timeout_seconds
    error_message = "function_timeout_seconds is from 60 (half of it is kept for the slowest batch that is legal) to 900."
  }
}

variable "reserved_concurrency" {
  description = "Executions side by side that are kept for the function and that it can't exceed; at least what both queues may cause (maximum_concurrency). -1 reserves none: a new account has 10 in all, too few to reserve any."
  type        = number
  default     = -1
  nullable    = false

  validation {
    condition     = var.reserved_concurrency == -1 || (var.reserved_concurrency >= 2 && var.reserved_concurrency <= 1000)
    error_message = "reserved_concurrency is -1 or from 2 to 1000; 0 would stop the function."
  }

  validation {
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= var.maximum_concurrency + max(2, ceil(var.maximum_concurrency / 5))
    error_message = "reserved_concurrency is below ${var.maximum_concurrency + max(2, ceil(var.maximum_concurrency / 5))}, which is maximum_concurrency and a fifth of it (2 at least) for what is tried alone: the queues would be throttled, and their messages end in the dead-letter queue."
  }
}

variable "log_level" {
  description = "What the function logs."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "How long the function's log is kept, in days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096 and on."
  }
}

# The queue and what reads it

variable "batch_size" {
  description = "Messages that one invocation gets at most; beyond 10 a batching window is needed."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 100 && floor(var.batch_size) == var.batch_size
    error_message = "batch_size is from 1 to 100."
  }

  validation {
    condition     = var.batch_size <= 10 || var.batching_window_seconds >= 1
    error_message = "batch_size above 10 needs batching_window_seconds of at least 1."
  }
}

variable "batching_window_seconds" {
  description = "How long messages are gathered before an invocation, in seconds; 0 scores at once."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300
    error_message = "batching_window_seconds is from 0 to 300."
  }
}

variable "maximum_concurrency" {
  description = "Invocations side by side that the queue may cause; a fifth of it, 2 at least, come on top for what is tried alone. Both together must not exceed the account's limit of executions, which is 10 for a new one: what is throttled counts as tried."
  type        = number
  default     = 8
  nullable    = false

  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000
    error_message = "maximum_concurrency is from 2 to 1000, as AWS has it."
  }
}

variable "max_receive_count" {
  description = "How often a message is tried on its queue before it goes to the dead-letter queue; one that failed in company is sent to another queue, where it is tried so often alone."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 5 && var.max_receive_count <= 1000
    error_message = "max_receive_count is at least 5: with fewer, a throttled function loses good messages to the dead-letter queue."
  }
}

# What is kept, and how long

variable "raw_cold_after_days" {
  description = "Age in days at which raw batches move to Glacier Instant Retrieval; S3 leaves those below 128 KB, which would cost more there."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.raw_cold_after_days >= 1
    error_message = "raw_cold_after_days is at least 1."
  }
}

variable "raw_retention_days" {
  description = "Age in days at which raw batches are deleted."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.raw_retention_days > var.raw_cold_after_days
    error_message = "raw_retention_days is above raw_cold_after_days."
  }
}

variable "old_version_retention_days" {
  description = "How long overwritten and deleted objects can be brought back, in days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.old_version_retention_days >= 1
    error_message = "old_version_retention_days is at least 1."
  }
}

# SQL

variable "query_limit_gb" {
  description = "What one SQL query may read, in GB; AWS charges by what is read."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.query_limit_gb >= 1 && floor(var.query_limit_gb) == var.query_limit_gb
    error_message = "query_limit_gb is a whole number of at least 1."
  }
}

# Who is told what

variable "alarm_email" {
  description = "Address that gets the alarms of wells and of the platform; AWS asks it to confirm. Empty: nobody is told by e-mail."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email is an e-mail address, or empty."
  }
}

variable "monthly_budget_usd" {
  description = "Spending of the account in a month of which 50, 80 and 100 % raise an alarm, in USD."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd >= 0
    error_message = "monthly_budget_usd is 0 (no budget) or above."
  }
}

variable "no_data_minutes" {
  description = "Silence of all wells that raises an alarm, in minutes, from the queue's first figures on; 0: none does (where data is replayed only now and then)."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.no_data_minutes == 0 || (var.no_data_minutes >= 10 && var.no_data_minutes <= 1440 && floor(var.no_data_minutes / 5) * 5 == var.no_data_minutes)
    error_message = "no_data_minutes is 0, or a multiple of 5 from 10 to 1440."
  }
}

variable "oldest_message_seconds" {
  description = "Age of the oldest waiting message that raises an alarm, in seconds."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.oldest_message_seconds >= 60
    error_message = "oldest_message_seconds is at least 60."
  }
}

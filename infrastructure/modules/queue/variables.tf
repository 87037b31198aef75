variable "name" {
  description = "Prefix of names."
  type        = string
}

variable "queue_arns" {
  description = "ARNs that the queues are going to have, so that their policies can stand in them: `ingest`, `retries` and `dead`."
  type        = object({ ingest = string, retries = string, dead = string })
}

variable "account_id" {
  description = "Account of the raw bucket."
  type        = string
}

variable "raw_bucket" {
  description = "Bucket whose new batches are announced."
  type        = object({ name = string, arn = string })
}

variable "key_prefix" {
  description = "What the keys of batches begin with."
  type        = string
}

variable "key_suffix" {
  description = "What the keys of batches end with."
  type        = string
}

variable "visibility_timeout_seconds" {
  description = "How long a message that was taken stays hidden: six times as long as the function may run, as AWS advises."
  type        = number
}

variable "max_receive_count" {
  description = "How often a message is tried."
  type        = number
}

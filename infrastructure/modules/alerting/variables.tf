variable "name" {
  description = "Prefix of names."
  type        = string
}

variable "account_id" {
  description = "Account whose alarms and budgets may be published."
  type        = string
}

variable "region" {
  description = "Region of the metrics."
  type        = string
}

variable "email" {
  description = "Address that gets both topics; empty: none."
  type        = string
}

variable "monthly_budget_usd" {
  description = "Limit of a month's spending."
  type        = number
}

variable "function_name" {
  description = "Function that is watched."
  type        = string
}

variable "function_timeout_seconds" {
  description = "Its time-out."
  type        = number
}

variable "queue_names" {
  description = "Queues that are watched: `ingest`, `retries` and `dead`."
  type        = object({ ingest = string, retries = string, dead = string })
}

variable "no_data_minutes" {
  description = "Silence that raises an alarm; 0: none does."
  type        = number
}

variable "oldest_message_seconds" {
  description = "Age of the oldest waiting message that raises an alarm."
  type        = number
}

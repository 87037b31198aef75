# Who is told what.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                     = "petrostream"
  account_id               = "111122223333"
  region                   = "us-east-1"
  email                    = "control.room@example.com"
  monthly_budget_usd       = 10
  function_name            = "petrostream-scoring"
  function_timeout_seconds = 60
  queue_names              = { ingest = "petrostream-ingest", retries = "petrostream-ingest-retries", dead = "petrostream-ingest-dlq" }
  no_data_minutes          = 60
  oldest_message_seconds   = 900
}

run "with_an_address" {
  module { source = "./modules/alerting" }

  assert {
    condition     = sort(keys(aws_cloudwatch_metric_alarm.this)) == tolist(["dead-letters", "function-errors", "function-slow", "function-throttles", "model-problems", "no-data", "old-messages", "old-retries"])
    error_message = "an alarm is missing, or one too many"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.platform.arn])])
    error_message = "an alarm tells nobody"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["function-slow"].threshold == 48000 && aws_cloudwatch_metric_alarm.this["no-data"].evaluation_periods == 12 && aws_cloudwatch_metric_alarm.this["no-data"].treat_missing_data == "ignore"
    error_message = "an alarm goes off at another time than asked"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["model-problems"].metric_name == "ModelProblems" && aws_cloudwatch_metric_alarm.this["model-problems"].dimensions == tomap({ service = "scoring" }) && aws_cloudwatch_metric_alarm.this["old-retries"].dimensions == tomap({ QueueName = "petrostream-ingest-retries" })
    error_message = "an alarm looks at something that nobody measures"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 2
    error_message = "the address gets only one of the two topics"
  }

  assert {
    condition     = sort([for notification in aws_budgets_budget.month[0].notification : tostring(notification.threshold)]) == tolist(["100", "50", "80"]) && aws_budgets_budget.month[0].limit_amount == "10.00"
    error_message = "the budget tells at other points than 50, 80 and 100 % of the limit"
  }

  assert {
    condition     = jsondecode(aws_sns_topic_policy.platform.policy).Statement[0].Condition == { StringEquals = { "aws:SourceAccount" = "111122223333" } }
    error_message = "other accounts' alarms may be published"
  }
}

run "without_an_address_and_for_replays" {
  module { source = "./modules/alerting" }

  variables {
    email           = ""
    no_data_minutes = 0
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0 && !contains(keys(aws_cloudwatch_metric_alarm.this), "no-data")
    error_message = "somebody is told who was not named, or silence raises an alarm"
  }
}

run "without_a_budget" {
  module { source = "./modules/alerting" }

  variables { monthly_budget_usd = 0 }

  assert {
    condition     = length(aws_budgets_budget.month) == 0 && output.budget_name == ""
    error_message = "a budget is asked for where the account may have none"
  }
}

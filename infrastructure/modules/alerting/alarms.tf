locals {
  function = { FunctionName = var.function_name }

  alarms = merge(
    {
      dead-letters = {
        description = "A message failed too often: see what it is on the dashboard's page Pipeline, or in the queue ${var.queue_names.dead}."
        namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        dimensions  = { QueueName = var.queue_names.dead }
        period      = 60, periods = 1, above = 0, missing = "notBreaching"
      }
      old-messages = {
        description = "Batches wait for longer than they should: scoring does not keep up, or fails."
        namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
        dimensions  = { QueueName = var.queue_names.ingest }
        period      = 60, periods = 5, above = var.oldest_message_seconds, missing = "notBreaching"
      }
      old-retries = {
        description = "Batches that failed once wait for longer than they should: what fails them goes on."
        namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
        dimensions  = { QueueName = var.queue_names.retries }
        period      = 60, periods = 5, above = var.oldest_message_seconds, missing = "notBreaching"
      }
      model-problems = {
        description = "The current model can't be used, so the function goes on with the one it has, and new executions wait: see the log /aws/lambda/${var.function_name}, publish a sound one or roll back."
        namespace   = "PetroStream", metric = "ModelProblems", statistic = "Sum"
        dimensions  = { service = "scoring" }
        period      = 300, periods = 1, above = 0, missing = "notBreaching"
      }
      function-errors = {
        description = "Invocations failed as a whole: see the log /aws/lambda/${var.function_name}."
        namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum"
        dimensions  = local.function
        period      = 300, periods = 1, above = 0, missing = "notBreaching"
      }
      function-throttles = {
        description = "The account or the reservation leaves the function too few executions: lower maximum_concurrency, or ask AWS for more."
        namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum"
        dimensions  = local.function
        period      = 300, periods = 1, above = 0, missing = "notBreaching"
      }
      function-slow = {
        description = "Invocations take more than 80 % of the ${var.function_timeout_seconds} s that they may: raise function_timeout_seconds or function_memory_mb."
        namespace   = "AWS/Lambda", metric = "Duration", statistic = "Maximum"
        dimensions  = local.function
        period      = 300, periods = 1, above = 800 * var.function_timeout_seconds, missing = "notBreaching"
      }
    },
    var.no_data_minutes == 0 ? {} : {
      no-data = {
        # SQS reports zeros while Lambda polls, so silence is counted in real figures. What is missing is
        # not: a stack that was made a minute ago has no figures, and would be said to be silent for an hour.
        description = "No well has sent anything for ${var.no_data_minutes} minutes."
        namespace   = "AWS/SQS", metric = "NumberOfMessagesSent", statistic = "Sum"
        dimensions  = { QueueName = var.queue_names.ingest }
        period      = 300, periods = var.no_data_minutes / 5, above = null, missing = "ignore"
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.above == null ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.above == null ? 1 : each.value.above
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.platform.arn]
  ok_actions          = [aws_sns_topic.platform.arn]
}

locals {
  graphs = [
    {
      title = "Readings and anomalies", stat = "Sum"
      metrics = [for metric in ["Rows", "Anomalies", "Unscorable"] :
      ["PetroStream", metric, "service", "scoring"]]
    },
    {
      title   = "Alarms of wells", stat = "Sum"
      metrics = [["PetroStream", "Alerts", "service", "scoring"]]
    },
    {
      title   = "From reading to score (s)", stat = "p90"
      metrics = [["PetroStream", "Lag", "service", "scoring"]]
    },
    {
      title = "Queue", stat = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_names.ingest],
        ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", var.queue_names.ingest],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_names.retries],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_names.dead],
      ]
    },
    {
      title = "Age of the oldest message (s)", stat = "Maximum"
      metrics = [for kind in ["ingest", "retries"] :
      ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue_names[kind]]]
    },
    {
      title = "Failed and quarantined", stat = "Sum"
      metrics = [for metric in ["Failed", "Quarantined", "ModelProblems"] :
      ["PetroStream", metric, "service", "scoring"]]
    },
    {
      title = "Invocations", stat = "Sum"
      metrics = [for metric in ["Invocations", "Errors", "Throttles"] :
      ["AWS/Lambda", metric, "FunctionName", var.function_name]]
    },
    {
      title   = "Duration of an invocation (ms)", stat = "p90"
      metrics = [["AWS/Lambda", "Duration", "FunctionName", var.function_name]]
    },
    {
      title   = "Executions side by side", stat = "Maximum"
      metrics = [["AWS/Lambda", "ConcurrentExecutions", "FunctionName", var.function_name]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type       = "alarm", x = 0, y = 0, width = 24, height = 3
        properties = { title = "Alarms", alarms = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn] }
      }],
      [for position, graph in local.graphs : {
        type = "metric", width = 8, height = 6
        x    = position % 3 * 8
        y    = 3 + floor(position / 3) * 6
        properties = {
          title   = graph.title
          metrics = graph.metrics
          stat    = graph.stat
          period  = 300
          region  = var.region
          view    = "timeSeries"
          yAxis   = { left = { min = 0 } }
        }
      }],
    )
  })
}

output "wells_topic_arn" {
  description = "Topic of the alarms of wells."
  value       = aws_sns_topic.wells.arn
}

output "platform_topic_arn" {
  description = "Topic of the alarms of the platform and of the budget."
  value       = aws_sns_topic.platform.arn
}

output "budget_name" {
  description = "Budget of a month; empty: none was asked for."
  value       = var.monthly_budget_usd > 0 ? local.budget_name : ""
}

output "dashboard_name" {
  description = "CloudWatch dashboard of the platform."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "alarm_names" {
  description = "CloudWatch alarms of the platform."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name]
}

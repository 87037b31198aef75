locals {
  budget_name = "${var.name}-month"
}

resource "aws_sns_topic" "wells" {
  name              = "${var.name}-alarms"
  display_name      = "PetroStream: wells"
  kms_master_key_id = "alias/aws/sns"
}

# Not encrypted with AWS's own key: CloudWatch and Budgets can't use that one, and a key of one's own
# costs more than the whole platform at rest. What is sent are names of alarms.
resource "aws_sns_topic" "platform" {
  name         = "${var.name}-platform"
  display_name = "PetroStream: platform"
}

resource "aws_sns_topic_policy" "platform" {
  arn = aws_sns_topic.platform.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsAndBudgetsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"] }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.platform.arn
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.email == "" ? {} : { wells = aws_sns_topic.wells.arn, platform = aws_sns_topic.platform.arn }

  topic_arn = each.value
  protocol  = "email"
  endpoint  = var.email
}

# Some accounts may have none (members of an organisation, accounts of a day): nothing depends on it.
resource "aws_budgets_budget" "month" {
  count = var.monthly_budget_usd > 0 ? 1 : 0

  name         = local.budget_name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = format("%.2f", var.monthly_budget_usd)
  limit_unit   = "USD"

  dynamic "notification" {
    for_each = [50, 80, 100]

    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = "ACTUAL"
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [aws_sns_topic.platform.arn]
    }
  }

  depends_on = [aws_sns_topic_policy.platform]
}

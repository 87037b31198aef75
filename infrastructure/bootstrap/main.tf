# What has to be there before a workflow can deploy: a bucket for Terraform's state, and two roles
# that GitHub's workflows of one repository may take without a stored key. Applied once, by hand.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = "${var.name}-bootstrap", ManagedBy = "terraform" }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  issuer    = "token.actions.githubusercontent.com"

  # `repo:owner/name`, or `repo:owner@1/name@2` where names are no longer trusted to stay whose they are.
  owner = split("/", var.repository)[0]
  named = split("/", var.repository)[1]
  subject = try(
    "repo:${local.owner}@${var.repository_ids.owner}/${local.named}@${var.repository_ids.repository}",
    "repo:${var.repository}",
  )

  # Planning needs no approval, so its role can change nothing; applying runs in an environment that somebody approves.
  roles = {
    plan = {
      subject  = "${local.subject}:ref:refs/heads/main"
      policies = ["arn:${local.partition}:iam::aws:policy/ReadOnlyAccess"]
    }
    deploy = {
      subject  = "${local.subject}:environment:production"
      policies = ["arn:${local.partition}:iam::aws:policy/PowerUserAccess"]
    }
  }

  # What the root has resources of, and whom a plan asks who it is.
  planned_services = [
    "athena", "budgets", "cloudwatch", "ecr", "glue", "iam", "lambda", "logs", "s3", "sns", "sqs", "ssm", "sts",
  ]

  attachments = merge([for role, facts in local.roles : { for policy in facts.policies : "${role} ${policy}" => { role = role, policy = policy } }]...)

  provider_arn = var.create_oidc_provider ? aws_iam_openid_connect_provider.github[0].arn : "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}"
}

resource "aws_s3_bucket" "state" {
  bucket = "${var.name}-state-${local.account}-${var.region}"

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_oidc_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "github" {
  for_each = local.roles

  name                 = "${var.name}-github-${each.key}"
  description          = "Taken by workflows of ${var.repository} to ${each.key}."
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = each.value.subject
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.attachments

  role       = aws_iam_role.github[each.value.role].name
  policy_arn = each.value.policy
}

# PowerUserAccess leaves out IAM: the one role that the stack makes is named here.
resource "aws_iam_role_policy" "deploy" {
  name = "function-role"
  role = aws_iam_role.github["deploy"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "OneRole"
        Effect = "Allow"
        Action = [
          "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
          "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRoleDescription",
        ]
        Resource = "arn:${local.partition}:iam::${local.account}:role/${var.name}-scoring"
      },
      {
        Sid       = "HandItToLambda"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "arn:${local.partition}:iam::${local.account}:role/${var.name}-scoring"
        Condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } }
      },
    ]
  })
}

# A plan takes the state's lock, one small object beside the state, and reads what AWS's policy
# forgets to allow. That policy reads data too, of the whole account, and whoever can have a workflow of
# `main` run something has it: what no plan needs is refused, other services as a whole.
resource "aws_iam_role_policy" "plan" {
  name = "plan"
  role = aws_iam_role.github["plan"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Lock"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.state.arn}/*.tflock"
      },
      {
        Sid      = "WhatReadOnlyAccessLacks"
        Effect   = "Allow"
        Action   = "glue:GetPartitionIndexes"
        Resource = "*" # read for each table; there are no data in it
      },
      {
        Sid       = "NoOtherService"
        Effect    = "Deny"
        NotAction = [for service in local.planned_services : "${service}:*"]
        Resource  = "*"
      },
      {
        Sid         = "NoObjectButTheState"
        Effect      = "Deny"
        Action      = ["s3:GetObject*", "s3:ListBucketVersions"]
        NotResource = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      },
      {
        Sid         = "NoParameterButTheModels"
        Effect      = "Deny"
        Action      = "ssm:GetParameter*"
        NotResource = "arn:${local.partition}:ssm:*:${local.account}:parameter/${var.name}/*"
      },
      {
        Sid    = "NoMessagesLogsImagesResults"
        Effect = "Deny"
        Action = [
          "athena:BatchGetQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults*", "athena:GetQueryRuntimeStatistics",
          "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
          "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogObject", "logs:GetLogRecord", "logs:GetQueryResults",
          "logs:StartLiveTail", "logs:StartQuery",
          "sqs:ReceiveMessage",
        ]
        Resource = "*"
      },
    ]
  })
}

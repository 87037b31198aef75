locals {
  policies = {
    producer  = jsonencode({ Version = "2012-10-17", Statement = local.producer })
    dashboard = jsonencode({ Version = "2012-10-17", Statement = local.dashboard })
    engineer  = jsonencode({ Version = "2012-10-17", Statement = local.engineer })
  }

  # Whoever uploads looks first what is there, so that a replay that broke off goes on, and warns
  # where there is no model to score with.
  producer = [
    {
      Sid      = "Upload"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${var.arns.raw}/readings/*"
    },
    {
      Sid      = "LookWhatIsThere"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = var.arns.raw
    },
    {
      Sid      = "LookForAModel"
      Effect   = "Allow"
      Action   = "ssm:GetParameter"
      Resource = var.model_parameter_arn
    },
  ]

  dashboard = [
    {
      Sid      = "List"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = var.arns.curated
    },
    {
      Sid      = "Read"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${var.arns.curated}/scored/*"
    },
  ]

  # Whoever trains, publishes, looks for drift and recommissions: `python -m ml`.
  engineer = [
    {
      Sid      = "Publish"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${var.arns.models}/models/*"
    },
    {
      Sid      = "Point"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter"]
      Resource = var.model_parameter_arn
    },
    {
      Sid      = "ReadScored"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${var.arns.curated}/scored/*"
    },
    {
      Sid      = "Recommission"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${var.arns.curated}/profiles/*"
    },
    {
      Sid      = "ListAndTellMissingFromForbidden"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = [var.arns.curated, var.arns.models, var.arns.raw]
    },
  ]
}

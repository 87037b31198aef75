locals {
  policies = {
    producer  = jsonencode({ Version = "2012-10-17", Statement = local.producer })
    dashboard = jsonencode({ Version = "2012-10-17", Statement = local.dashboard })
    publisher = jsonencode({ Version = "2012-10-17", Statement = local.publisher })
  }

  producer = [
    {
      Sid      = "UploadBatches"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${var.arns.raw}/readings/*"
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
      Resource = [for prefix in ["events", "scored"] : "${var.arns.curated}/${prefix}/*"]
    },
  ]

  publisher = [
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
  ]
}

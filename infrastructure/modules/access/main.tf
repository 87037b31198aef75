locals {
  policies = {
    producer  = jsonencode({ Version = "2012-10-17", Statement = local.producer })
    dashboard = jsonencode({ Version = "2012-10-17", Statement = local.dashboard })
    operator  = jsonencode({ Version = "2012-10-17", Statement = local.operator })
    engineer  = jsonencode({ Version = "2012-10-17", Statement = local.engineer })
  }

  # Whoever uploads claims a recording's name, looks what is there, so that a replay that broke off
  # goes on, and warns where there is no model to score with.
  producer = [
    {
      Sid      = "Upload"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = ["${var.arns.raw}/claims/*", "${var.arns.raw}/readings/*"]
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
      Sid    = "Read"
      Effect = "Allow"
      Action = "s3:GetObject"
      Resource = [
        for prefix in ["annotations", "events", "profiles", "quarantine", "scored", "summaries"] : "${var.arns.curated}/${prefix}/*"
      ]
    },
    {
      Sid      = "WhenBatchesCame"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${var.arns.raw}/readings/*"
    },
    {
      Sid      = "Evaluation"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${var.arns.models}/models/*"
    },
    {
      Sid      = "TellUnevaluatedFromForbidden"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = var.arns.models
    },
    {
      Sid      = "WhichModel"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameterHistory"]
      Resource = var.model_parameter_arn
    },
    {
      Sid      = "HowManyWait"
      Effect   = "Allow"
      Action   = "sqs:GetQueueAttributes"
      Resource = [for arn in var.queue_arns : arn]
    },
    {
      Sid      = "Measured"
      Effect   = "Allow"
      Action   = "cloudwatch:GetMetricData"
      Resource = "*" # CloudWatch knows no resources here
    },
    {
      Sid    = "Query"
      Effect = "Allow"
      Action = [
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
      ]
      Resource = var.workgroup_arn
    },
    {
      # Athena looks these two up before each query, by AWS's documentation, whatever it is about.
      Sid      = "Databases"
      Effect   = "Allow"
      Action   = ["glue:GetDatabase", "glue:GetDatabases"]
      Resource = var.lookup_arns
    },
    {
      Sid      = "Tables"
      Effect   = "Allow"
      Action   = ["glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable"]
      Resource = var.table_arns
    },
    {
      Sid      = "Results"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
      Resource = "${var.arns.results}/athena/*"
    },
    {
      Sid      = "PlaceOfResults"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource = var.arns.results
    },
    {
      Sid      = "PlaceOfTables"
      Effect   = "Allow"
      Action   = "s3:GetBucketLocation"
      Resource = var.arns.curated
    },
  ]

  # Beside `dashboard`: says what of alarms, and deals with dead letters. Results can't be changed.
  operator = [
    {
      Sid      = "Annotate"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${var.arns.curated}/annotations/*"
    },
    {
      Sid      = "LookAtDeadLetters"
      Effect   = "Allow"
      Action   = "sqs:ReceiveMessage"
      Resource = var.queue_arns.dead
    },
    {
      Sid      = "TellGoneFromForbidden"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = var.arns.raw
    },
    {
      Sid      = "MoveDeadLetters"
      Effect   = "Allow"
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:StartMessageMoveTask"]
      Resource = var.queue_arns.dead
    },
    {
      Sid      = "BackToTheQueue" # each message to the one that it came from
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = [var.queue_arns.ingest, var.queue_arns.retries]
    },
  ]

  # Whoever trains, publishes, looks for drift and recommissions: `petrostream train` and its like.
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

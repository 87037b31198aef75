locals {
  # What is scored can be scored again and what a query gave can be asked again; a model and a raw
  # batch can't be made again. Curated data are versioned for what people add to them.
  versioned = { for kind in ["raw", "curated", "models"] : kind => var.bucket_names[kind] }

  expiry_days = { raw = var.raw_retention_days, results = 7 }
  cold_days   = { raw = var.raw_cold_after_days }
}

resource "aws_s3_bucket" "this" {
  for_each = var.bucket_names

  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.versioned

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 refuses two changes of a bucket's access at the same moment.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = contains(keys(local.versioned), each.key) ? [1] : []

    content {
      id     = "old-versions"
      status = "Enabled"
      filter {}

      noncurrent_version_expiration {
        noncurrent_days = var.old_version_retention_days
      }

      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  dynamic "rule" {
    for_each = contains(keys(local.cold_days), each.key) ? [local.cold_days[each.key]] : []

    content {
      id     = "cold"
      status = "Enabled"
      filter {}

      transition {
        days          = rule.value
        storage_class = "GLACIER_IR"
      }
    }
  }

  dynamic "rule" {
    for_each = contains(keys(local.expiry_days), each.key) ? [local.expiry_days[each.key]] : []

    content {
      id     = "expiry"
      status = "Enabled"
      filter {}

      expiration {
        days = rule.value
      }
    }
  }

  # S3 refuses rules for old versions while versioning is being switched on.
  depends_on = [aws_s3_bucket_versioning.this]
}

# Which model is current: `petrostream publish` moves it, so Terraform only makes it.
resource "aws_ssm_parameter" "model" {
  name        = "/${var.name}/model"
  description = "Version and SHA-256 of the current model; `petrostream rollback` moves it back."
  type        = "String"
  value       = "none"

  lifecycle {
    ignore_changes = [value]
  }
}

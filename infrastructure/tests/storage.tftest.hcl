# Buckets: what they are called, who gets in, what is kept and for how long.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "buckets_are_named_after_account_and_region" {
  module { source = "./modules/storage" }

  variables {
    name                       = "petrostream"
    bucket_names               = { raw = "r-1", curated = "c-1", models = "m-1", results = "q-1" }
    raw_cold_after_days        = 30
    raw_retention_days         = 365
    old_version_retention_days = 20
    force_destroy              = false
  }

  assert {
    condition     = output.buckets == { raw = "r-1", curated = "c-1", models = "m-1", results = "q-1" }
    error_message = "a bucket has another name than it was given"
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : !bucket.force_destroy])
    error_message = "a bucket may be destroyed with data in it"
  }

  assert {
    condition = alltrue([for block in aws_s3_bucket_public_access_block.this :
    block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "a bucket may be made public"
  }

  assert {
    condition     = length(aws_s3_bucket_public_access_block.this) == 4 && length(aws_s3_bucket_policy.this) == 4 && length(aws_s3_bucket_server_side_encryption_configuration.this) == 4
    error_message = "a bucket is without its access block, its policy or its encryption"
  }

  assert {
    condition = alltrue([for policy in aws_s3_bucket_policy.this : alltrue([
      jsondecode(policy.policy).Statement[0].Effect == "Deny",
      jsondecode(policy.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false",
      length(jsondecode(policy.policy).Statement[0].Resource) == 2,
    ])])
    error_message = "a bucket can be reached without TLS"
  }

  assert {
    condition     = alltrue([for control in aws_s3_bucket_ownership_controls.this : control.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "a bucket's objects may belong to somebody else"
  }

  assert {
    condition     = sort(keys(aws_s3_bucket_versioning.this)) == tolist(["curated", "models", "raw"])
    error_message = "other buckets are versioned than raw, curated and models"
  }

  assert {
    condition = alltrue([for bucket in aws_s3_bucket_lifecycle_configuration.this :
    contains([for rule in bucket.rule : rule.id], "unfinished-uploads")])
    error_message = "a bucket keeps unfinished uploads for ever"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this["raw"].rule : rule.id => try(rule.expiration[0].days, 0) }["expiry"] == 365
    error_message = "raw batches are not deleted when they should be"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this["raw"].rule : rule.id => try(one(rule.transition).days, 0) }["cold"] == 30
    error_message = "raw batches do not move to colder storage when they should"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this["results"].rule : rule.id => try(rule.expiration[0].days, 0) }["expiry"] == 7
    error_message = "results of queries are not deleted after 7 days"
  }

  assert {
    condition     = !contains([for rule in aws_s3_bucket_lifecycle_configuration.this["curated"].rule : rule.id], "expiry")
    error_message = "curated data are deleted"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this["models"].rule : rule.id => try(rule.noncurrent_version_expiration[0].noncurrent_days, 0) }["old-versions"] == 20
    error_message = "old versions are kept for another time than asked"
  }
}

run "names_of_the_whole" {
  assert {
    condition     = output.buckets.raw == "petrostream-raw-111122223333-us-east-1" && output.buckets.results == "petrostream-results-111122223333-us-east-1"
    error_message = "buckets are not named after account and region"
  }

  assert {
    condition     = output.environment.PETROSTREAM_MODEL_PARAMETER == "/petrostream/model" && output.environment.PETROSTREAM_FUNCTION_NAME == "petrostream-scoring"
    error_message = "parameter or function has another name than the tools expect"
  }
}

run "two_stacks_in_one_account" {
  variables {
    name   = "field-b"
    region = "sa-east-1"
  }

  assert {
    condition     = output.buckets.curated == "field-b-curated-111122223333-sa-east-1" && output.function_name == "field-b-scoring" && output.glue_database == "field_b"
    error_message = "a second stack would take the first one's names"
  }
}

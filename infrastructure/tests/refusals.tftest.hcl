# Variables that make no sense are refused before anything is made.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "a_tag_instead_of_a_digest" {
  command = plan

  variables { image_digest = "latest" }

  expect_failures = [var.image_digest]
}

run "a_name_that_no_bucket_can_have" {
  command = plan

  variables { name = "Petro_Stream" }

  expect_failures = [var.name]
}

run "a_region_that_is_none" {
  command = plan

  variables { region = "Brazil" }

  expect_failures = [var.region]
}

run "figures_out_of_range" {
  command = plan

  variables {
    function_memory_mb       = 128
    function_timeout_seconds = 901
    maximum_concurrency      = 1
    max_receive_count        = 1
    log_retention_days       = 2
    query_limit_gb           = 0
    monthly_budget_usd       = -1
    no_data_minutes          = 7
    batch_size               = 101
  }

  expect_failures = [
    var.function_memory_mb, var.function_timeout_seconds, var.maximum_concurrency, var.max_receive_count,
    var.log_retention_days, var.query_limit_gb, var.monthly_budget_usd, var.no_data_minutes, var.batch_size,
  ]
}

run "raw_batches_deleted_before_they_move" {
  command = plan

  variables {
    raw_cold_after_days = 90
    raw_retention_days  = 60
  }

  expect_failures = [var.raw_retention_days]
}

run "a_reservation_below_what_the_queue_may_cause" {
  command = plan

  variables {
    reserved_concurrency = 9 # 8 and 2 are 10
    maximum_concurrency  = 8
  }

  expect_failures = [var.reserved_concurrency]
}

run "a_reservation_of_what_the_queues_cause_by_default" {
  command = plan

  variables { reserved_concurrency = 10 }

  assert {
    condition     = var.maximum_concurrency + local.retries_concurrency == 10
    error_message = "a new account has 10 executions: what both queues cause by default is throttled there"
  }
}

run "an_address_that_is_none" {
  command = plan

  variables { alarm_email = "control room" }

  expect_failures = [var.alarm_email]
}

output "variables" {
  description = "Variables to set in the GitHub repository (Settings, Secrets and variables, Actions, Variables)."
  value = {
    AWS_REGION      = var.region
    AWS_PLAN_ROLE   = aws_iam_role.github["plan"].arn
    AWS_DEPLOY_ROLE = aws_iam_role.github["deploy"].arn
    TF_STATE_BUCKET = aws_s3_bucket.state.bucket
  }
}

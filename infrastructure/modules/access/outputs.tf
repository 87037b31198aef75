output "policies" {
  description = "Policy documents for those who use the platform, by what they do."
  value       = local.policies
}

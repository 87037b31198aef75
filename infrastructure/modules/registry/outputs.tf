output "name" {
  description = "Name of the repository."
  value       = aws_ecr_repository.this.name
}

output "url" {
  description = "Where images are pushed to, and pulled from."
  value       = aws_ecr_repository.this.repository_url
}

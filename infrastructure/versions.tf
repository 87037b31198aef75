terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Another backend: copy backend_override.tf.example to backend_override.tf.
  backend "local" {}
}

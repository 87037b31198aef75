"""AWS by boto3: clients, buckets, metrics, costs."""

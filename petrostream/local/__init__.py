"""The embedded AWS: a moto server on loopback and a worker that stands in for Lambda."""

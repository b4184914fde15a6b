"""What assets are given: the data store, the compute resource, and MLflow tracking."""

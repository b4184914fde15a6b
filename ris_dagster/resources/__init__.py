"""The resources of assets: the data store, the compute resource, and MLflow tracking."""

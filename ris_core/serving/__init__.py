"""Trained models as packages that load without the project, for MLflow."""

"""Everything that the platform uses of MLflow beyond its documented API.

`tests/unit/test_adapter_mlflow.py` fails when another version of MLflow changes what these modules rely on.
CONTRIBUTING.md says how to upgrade MLflow.
"""

-- Read by the image of Postgres when its volume is new. Dagster and MLflow have tables of the same names, so each has a database.
CREATE DATABASE mlflow;

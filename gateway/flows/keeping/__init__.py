"""Looking after the database: backups, the way back, new schemas, and forgetting what is old."""

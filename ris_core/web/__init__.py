"""Who may ask the servers of the platform: hosts, origins, and addresses of this machine alone."""

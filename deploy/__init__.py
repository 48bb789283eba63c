"""Running the portal: setting up, servers for demonstration and tests, its processes."""

"""What tests need of the world outside: services that are found, or started."""

"""What a service has been asked, day by day: how it is recorded, kept and read."""

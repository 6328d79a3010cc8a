"""What the driver reports: its log, its figures, its slow commands."""

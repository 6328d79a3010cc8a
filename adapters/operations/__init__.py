"""What keeps a store running: relay, migrations, transfers, upkeep, health."""

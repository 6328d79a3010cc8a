"""What a repository is asked beside a rule: sorts, pages, views of some fields, rollups."""

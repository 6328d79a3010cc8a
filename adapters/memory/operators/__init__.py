"""The server's operators on documents: matching, sorting, projecting, updating, grouping."""

"""Commands to the server: reads, writes, transactions, leases, and what their errors mean."""

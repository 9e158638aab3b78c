"""P1 and its parts as mixed-integer linear programs, and plans from their solutions."""

"""What a planner asks: who is left out and when, which measure helps most for its cost, and whether that holds."""

"""A planner's work on a district: the clock, what-if, where next, the written case, and many districts at once."""

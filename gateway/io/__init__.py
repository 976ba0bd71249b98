"""The outside world: clock, HTTP calls, retries, pacing and wake-ups. It knows nothing of the store or the flows."""

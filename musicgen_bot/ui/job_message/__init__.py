"""The message of a job, from the promise of a clip to the clip and its buttons."""

"""What is heard live: receivers, recording as it comes, and verdicts while they listen."""

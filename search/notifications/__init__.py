"""What happens in a study, posted to a webhook without anybody waiting for it."""

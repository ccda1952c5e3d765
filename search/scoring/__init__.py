"""What a trained model is worth: its score by the published protocol, and its predictions."""

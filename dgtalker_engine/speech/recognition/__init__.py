"""Which phones and words are spoken when."""

"""What is measured in a sound without knowing its words: activity, music, prosody."""

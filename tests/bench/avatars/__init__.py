"""What `bench avatar` judges heads with."""

"""Files in and out, and links into map apps."""

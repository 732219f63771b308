"""What our runtime is measured beside, behind the same few HTTP paths: callers see no difference."""

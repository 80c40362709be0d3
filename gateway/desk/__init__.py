"""The gateway's side of its conversation with the desk."""

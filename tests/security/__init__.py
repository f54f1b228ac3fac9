"""What strangers may try, a test each; docs/concepts/security.md says where the others stand."""

"""Evidence that is no radio: contact logs and device files; octets in, values out."""

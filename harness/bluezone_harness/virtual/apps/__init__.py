"""Virtual apps: the receiving side of a phone, correct or with a planted fault, and the contact logs that it keeps."""

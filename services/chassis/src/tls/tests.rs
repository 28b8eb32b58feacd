//! What is told of files that cannot be used.

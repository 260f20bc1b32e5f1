//! Is the host doing its job: checks with deadlines.

//! What happened: runs, the lock, status, the outbox.

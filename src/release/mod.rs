//! An application release: resolve, verify, activate, roll back.

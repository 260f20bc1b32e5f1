//! What is asked of AWS: instance metadata, parameters, secrets, objects, signals.

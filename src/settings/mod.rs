//! What muster is told: muster.yaml, conf.d, user-data and flags, merged, validated, and who set each value.

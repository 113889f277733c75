//! The front door: what the two commands share.

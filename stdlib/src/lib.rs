//! The Lumen library: sources in Lumen, and the natives they rest on.

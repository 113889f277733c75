//! Source text to diagnostics and to the typed tree.

//! Tasks as their users see them: futures, scopes, join blocks, typed handles.

pub mod future;

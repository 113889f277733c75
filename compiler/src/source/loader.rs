//! How the compiler gets the modules that a program imports: it asks, the front door answers.

/// Finds modules. An implementation may read files; the compiler itself never does.
pub trait Loader {
    /// The module that `import a.b: …` names (`["a", "b"]`), written in the file called `importer`
    /// in the [`SourceMap`](super::SourceMap). `std.*` is asked for like any other.
    fn load(&self, path: &[&str], importer: &str) -> Found;
}

/// What a [`Loader`] answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// The module's source. Two answers with one name are the same module.
    Source {
        /// As shown in diagnostics.
        name: String,
        /// What the file holds, not yet known to be UTF-8.
        bytes: Vec<u8>,
    },
    /// There is none.
    Missing {
        /// Where it was looked for, in order.
        tried: Vec<String>,
    },
    /// It is there but cannot be read.
    Unreadable {
        /// The file.
        name: String,
        /// Why, as the system says it.
        reason: String,
    },
}

/// A loader without modules, for programs that import nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModules;

impl Loader for NoModules {
    fn load(&self, _path: &[&str], _importer: &str) -> Found {
        Found::Missing { tried: Vec::new() }
    }
}

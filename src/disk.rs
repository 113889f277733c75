//! Files: the program's own and those it imports.

use std::io::Read;
use std::path::{Path, PathBuf};

use lumen_compiler::limits::SOURCE_BYTES;
use lumen_compiler::source::{Found, Loader};

/// The endings a Lumen source may have, in the order in which an import looks for them.
pub const SOURCE_ENDINGS: &[&str] = &["lm", "lumen", "lm.md", "lumen.md"];

/// The ending of compiled modules.
pub const BYTECODE_ENDING: &str = "lbc";

/// The file names that stand for a folder, without their endings.
const FOLDER_MODULES: &[&str] = &["mod", "main"];

/// Whether `path` has the ending of compiled modules.
pub fn is_bytecode(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending == BYTECODE_ENDING)
}

/// Whether `path` has one of the endings of sources.
pub fn is_source(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| {
        SOURCE_ENDINGS.iter().any(|ending| {
            name.strip_suffix(ending)
                .is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
        })
    })
}

/// The path of `source` with its ending (`.lm.md` is one ending) replaced.
pub fn with_ending(source: &Path, ending: &str) -> PathBuf {
    let name = source
        .file_name()
        .map(|n| n.to_string_lossy())
        .unwrap_or_default();
    let stem = SOURCE_ENDINGS
        .iter()
        .rev()
        .find_map(|old| {
            name.strip_suffix(old)
                .and_then(|stem| stem.strip_suffix('.'))
        })
        .unwrap_or(&name);
    source.with_file_name(format!("{stem}.{ending}"))
}

/// What `path` holds; of a source only as much as shows that the compiler must refuse it.
///
/// # Errors
/// A sentence that names the file and says why it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    // One byte more than allowed, so that the compiler sees that it is too much.
    let limit = if is_bytecode(path) {
        u64::MAX
    } else {
        SOURCE_BYTES as u64 + 1
    };
    read_up_to(path, limit)
}

/// All that `path` holds.
///
/// # Errors
/// As [`read`].
pub fn read_all(path: &Path) -> Result<Vec<u8>, String> {
    read_up_to(path, u64::MAX)
}

fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let cannot = |why: String| format!("cannot read {}: {why}", path.display());
    let path = if path == Path::new("-") {
        Path::new("/dev/stdin")
    } else {
        path
    };
    let file = std::fs::File::open(path).map_err(|e| cannot(reason(&e)))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(cannot("it is a folder".into()));
    }
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| cannot(reason(&e)))?;
    Ok(bytes)
}

/// Why an operation on a file failed, without the number of the system's error.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}

/// Adds the sources in `folder` and its folders, by name; hidden ones and `target` are left out.
///
/// # Errors
/// A sentence about a folder that cannot be read.
pub fn sources_under(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |e: &std::io::Error| format!("cannot read {}: {}", folder.display(), reason(e));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| cannot(&e))? {
        paths.push(entry.map_err(|e| cannot(&e))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy())
            .unwrap_or_default();
        // `is_dir` follows links, which may lead back up.
        let linked = path.is_symlink();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() && !linked {
            sources_under(&path, files)?;
        } else if path.is_file() && is_source(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Looks for imports on disk: first in the folder of the importing file, then in that of the
/// program; `std.*` comes with the compiler.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// For the program in `file`.
    pub fn of_program(file: &Path) -> Disk {
        Disk {
            root: file.parent().map(Path::to_path_buf).unwrap_or_default(),
        }
    }

    /// The folders in which `importer` finds modules.
    fn folders(&self, importer: &str) -> Vec<PathBuf> {
        let own = Path::new(importer)
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        if own == self.root {
            vec![own]
        } else {
            vec![own, self.root.clone()]
        }
    }
}

impl Loader for Disk {
    fn load(&self, path: &[&str], importer: &str) -> Found {
        let mut tried = Vec::new();
        for folder in self.folders(importer) {
            for candidate in candidates(&folder, path) {
                let name = candidate.display().to_string();
                if !candidate.is_file() {
                    tried.push(name);
                    continue;
                }
                return match read(&candidate) {
                    Ok(bytes) => Found::Source { name, bytes },
                    Err(reason) => Found::Unreadable { name, reason },
                };
            }
        }
        Found::Missing { tried }
    }
}

/// Where in `folder` the module `path` may be, in order.
fn candidates(folder: &Path, path: &[&str]) -> Vec<PathBuf> {
    let mut base = folder.to_path_buf();
    base.extend(path);
    let mut list: Vec<PathBuf> = SOURCE_ENDINGS
        .iter()
        .map(|ending| PathBuf::from(format!("{}.{ending}", base.display())))
        .collect();
    for name in FOLDER_MODULES {
        list.extend(
            SOURCE_ENDINGS
                .iter()
                .map(|ending| base.join(format!("{name}.{ending}"))),
        );
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_looked_for_beside_then_as_folder() {
        let list = candidates(Path::new("src"), &["a", "b"]);
        assert_eq!(list[0], Path::new("src/a/b.lm"));
        assert_eq!(list[2], Path::new("src/a/b.lm.md"));
        assert_eq!(list[4], Path::new("src/a/b/mod.lm"));
        assert_eq!(list[8], Path::new("src/a/b/main.lm"));
        assert_eq!(list.len(), 12);
    }

    #[test]
    fn markdown_endings_are_one_ending() {
        assert_eq!(
            with_ending(Path::new("x/a.lm.md"), "lbc"),
            Path::new("x/a.lbc")
        );
        assert_eq!(with_ending(Path::new("a.lumen"), "lbc"), Path::new("a.lbc"));
        assert_eq!(
            with_ending(Path::new("notes.txt"), "lbc"),
            Path::new("notes.txt.lbc")
        );
        assert!(is_source(Path::new("a.lumen.md")) && is_source(Path::new("a.lm")));
        assert!(!is_source(Path::new("lm")) && !is_source(Path::new("a.md")));
        assert!(!is_source(Path::new(".lm")));
    }
}

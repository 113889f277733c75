//! Files and directories. Every access goes through the host as one effect, so that it can be
//! recorded; a failure is of kind `Io` and names the path.

use std::fs;
use std::io::Write;

use lumen_runtime::heap::well_known;
use lumen_runtime::heap::word::NULL;
use lumen_runtime::native::{NativeCx, NativeResult, byte_slice, fail, kind, text};

use super::io::io_failure;

natives! {
    "fs.read_bytes(String) -> Bytes" => |cx, args| {
        let path = text(&args[0]);
        let data = effect(cx, "read", path, &mut || fs::read(path))?;
        cx.bytes(&data)
    },
    "fs.write_bytes(String, Bytes) -> Null" => |cx, args| {
        let (path, data) = (text(&args[0]), byte_slice(&args[1]));
        done(cx, "write", path, &mut || fs::write(path, data))
    },
    "fs.exists(String) -> Bool" => |cx, args| question(cx, args, |p| p.exists()),
    "fs.is_file(String) -> Bool" => |cx, args| question(cx, args, |p| p.is_file()),
    "fs.is_dir(String) -> Bool" => |cx, args| question(cx, args, |p| p.is_dir()),
    "fs.file_size(String) -> Int" => file_size,
    "fs.modified(String) -> Int" => modified,
    "fs.list_dir(String) -> list[String]" => list_dir,
    "fs.create_dir(String) -> Null" => |cx, args| {
        let path = text(&args[0]);
        done(cx, "create directory", path, &mut || fs::create_dir_all(path))
    },
    "fs.remove_file(String) -> Null" => |cx, args| {
        let path = text(&args[0]);
        done(cx, "remove", path, &mut || fs::remove_file(path))
    },
    "fs.remove_dir(String) -> Null" => |cx, args| {
        let path = text(&args[0]);
        done(cx, "remove", path, &mut || fs::remove_dir(path))
    },
    "fs.remove_dir_all(String) -> Null" => |cx, args| {
        let path = text(&args[0]);
        done(cx, "remove", path, &mut || fs::remove_dir_all(path))
    },
    "fs.rename(String, String) -> Null" => |cx, args| {
        let (from, to) = (text(&args[0]), text(&args[1]));
        done(cx, "rename", from, &mut || fs::rename(from, to))
    },
    "fs.copy_file(String, String) -> Null" => |cx, args| {
        let (from, to) = (text(&args[0]), text(&args[1]));
        done(cx, "copy", from, &mut || fs::copy(from, to).map(drop))
    },
    "fs.absolute(String) -> String" => absolute,
    "fs.temp_dir() -> String" => |cx, _| {
        let dir = effect(cx, "find", "the temporary directory", &mut || {
            Ok(std::env::temp_dir().to_string_lossy().into_owned().into_bytes())
        })?;
        cx.string(&String::from_utf8_lossy(&dir))
    },
    "fs.current_dir() -> String" => |cx, _| {
        let dir = effect(cx, "find", "the current directory", &mut || {
            std::env::current_dir().map(|d| d.to_string_lossy().into_owned().into_bytes())
        })?;
        cx.string(&String::from_utf8_lossy(&dir))
    },
}

/// Performs an effect on a path; the failure says what was tried.
fn effect(
    cx: &NativeCx<'_>,
    what: &str,
    path: &str,
    run: &mut dyn FnMut() -> std::io::Result<Vec<u8>>,
) -> Result<Vec<u8>, lumen_runtime::native::NativeStop> {
    let name = format!("fs.{what} {path}");
    cx.host
        .effect(&name, &mut || {
            run().map_err(|e| format!("cannot {what} {path}: {}", reason(&e)))
        })
        .or_else(io_failure)
}

/// The system's reason without its error number.
fn reason(e: &std::io::Error) -> String {
    let s = e.to_string();
    let cut = s.find(" (os error").unwrap_or(s.len());
    s[..cut].to_lowercase()
}

fn done(
    cx: &NativeCx<'_>,
    what: &str,
    path: &str,
    run: &mut dyn FnMut() -> std::io::Result<()>,
) -> NativeResult {
    effect(cx, what, path, &mut || run().map(|()| Vec::new()))?;
    Ok(NULL)
}

fn question(cx: &NativeCx<'_>, args: &[u64], test: fn(&std::path::Path) -> bool) -> NativeResult {
    let path = text(&args[0]);
    let answer = effect(cx, "look at", path, &mut || {
        Ok(vec![u8::from(test(std::path::Path::new(path)))])
    })?;
    Ok(u64::from(answer.first() == Some(&1)))
}

/// An effect whose outcome is a number.
fn number(
    cx: &NativeCx<'_>,
    path: &str,
    run: &mut dyn FnMut() -> std::io::Result<i64>,
) -> NativeResult {
    let bytes = effect(cx, "look at", path, &mut || {
        run().map(|n| n.to_le_bytes().to_vec())
    })?;
    match <[u8; 8]>::try_from(&bytes[..]) {
        Ok(n) => Ok(u64::from_le_bytes(n)),
        Err(_) => fail(kind::IO, format!("unexpected answer about {path}")),
    }
}

fn file_size(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let path = text(&args[0]);
    number(cx, path, &mut || fs::metadata(path).map(|m| m.len() as i64))
}

fn modified(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let path = text(&args[0]);
    number(cx, path, &mut || {
        let time = fs::metadata(path)?.modified()?;
        let since = time
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(since.as_millis() as i64)
    })
}

/// Names in order, so that programs do not depend on the file system's.
fn list_dir(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let path = text(&args[0]);
    let names = effect(cx, "list", path, &mut || {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names.join("\0").into_bytes())
    })?;
    if names.is_empty() {
        return cx.list(well_known::LIST_STRING, &[]);
    }
    cx.strings(String::from_utf8_lossy(&names).split('\0'))
}

fn absolute(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let path = text(&args[0]);
    let absolute = effect(cx, "find", path, &mut || {
        Ok(std::path::absolute(path)?
            .to_string_lossy()
            .into_owned()
            .into_bytes())
    })?;
    cx.string(&String::from_utf8_lossy(&absolute))
}

/// `read_file(path)`: the text of a file.
pub(super) fn read_file(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let path = text(&args[0]);
    let data = effect(cx, "read", path, &mut || fs::read(path))?;
    match String::from_utf8(data) {
        Ok(s) => cx.string(&s),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            fail(
                kind::IO,
                format!("cannot read {path}: not UTF-8 (byte {at})"),
            )
        }
    }
}

/// `write_file(path, text)`: makes or replaces a file.
pub(super) fn write_file(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (path, data) = (text(&args[0]), text(&args[1]));
    done(cx, "write", path, &mut || fs::write(path, data))
}

/// `append_file(path, text)`: adds to the end of a file.
pub(super) fn append_file(cx: &mut NativeCx<'_>, args: &mut [u64]) -> NativeResult {
    let (path, data) = (text(&args[0]), text(&args[1]));
    done(cx, "append to", path, &mut || {
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)?
            .write_all(data.as_bytes())
    })
}

//! The exit codes, in one table.

use std::process::ExitCode;

macro_rules! exits {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal,)*) => {
        /// How a command ended.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Exit {
            $($(#[doc = $doc])* $name,)*
            /// What the program gave to `exit(n)`.
            Program(u8),
        }

        impl Exit {
            /// Code and meaning of each, as `--help` prints them.
            pub const TABLE: &[(u8, &str)] = &[$(($code, concat!($($doc),*)),)*];

            /// The number the process ends with.
            pub fn code(self) -> u8 {
                match self {
                    $(Exit::$name => $code,)*
                    Exit::Program(code) => code,
                }
            }
        }
    };
}

exits! {
    /// success
    Ok = 0,
    /// the program or a test failed
    Failed = 1,
    /// the command line is wrong, or FILE cannot be read
    Usage = 2,
    /// the source has errors; nothing was run, stdout is empty
    Compile = 3,
    /// the bytecode is unusable
    Bytecode = 4,
    /// a replay went another way than its trace
    Diverged = 5,
    /// runs that nothing distinguishes differ
    Nondeterministic = 6,
    /// the budget was spent before the search was over
    Budget = 7,
    /// interrupted (Ctrl-C)
    Interrupted = 130,
    /// nobody reads the output any more
    Closed = 141,
    /// asked to end (SIGTERM)
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// The table as text, for the end of `--help`.
pub fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in Exit::TABLE {
        text.push_str(&format!("  {code:>3}  {}\n", meaning.trim()));
    }
    text.push_str("  A program that calls exit(n) ends with n.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_its_own_code() {
        for (at, (code, meaning)) in Exit::TABLE.iter().enumerate() {
            assert!(!meaning.trim().is_empty());
            assert!(Exit::TABLE[..at].iter().all(|(other, _)| other != code));
        }
        assert_eq!(Exit::Program(7).code(), 7);
    }
}

//! The natives that lowering itself calls, for what the language has and the op table has not.
//!
//! The virtual machine implements exactly these keys. `T`, `U`, `K`, `V`, `C`, `A` are type
//! arguments; an import carries them, with its concrete parameter and result types. A native that
//! waits is a poll: it runs again when its fiber is resumed, so its progress lives in its handle.
//!
//! **Groups** (`parallel`, `race`, `vote`, `timeout`): made, given branches, joined, asked.
//! Branches count from 0 in the order they were added. **Select**: made, given arms, waited for.
//! **Scope**: entered, and left in one of two ways.

/// A native called by lowering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeNative {
    /// Its key.
    pub key: &'static str,
    /// What it does, one string per line.
    pub doc: &'static [&'static str],
}

impl RuntimeNative {
    /// Its first parameter is inout.
    #[must_use]
    pub fn mutator(&self) -> bool {
        self.key.contains("(mut ")
    }
}

macro_rules! natives {
    ($($(#[doc = $doc:literal])* $name:ident = $key:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: RuntimeNative = RuntimeNative {
            key: $key,
            doc: &[$($doc),*],
        };)*

        /// All of them.
        pub const RUNTIME_NATIVES: &[RuntimeNative] = &[$($name),*];
    };
}

natives! {
    // ---- failures
    /// Fails with this failure kind (by number, `bytecode::module::FailureKind`) and message.
    FAIL = "rt.fail(Int, String) -> Never";
    /// Adds a failure to the causes of another.
    ADD_CAUSE = "rt.add_cause(mut Error, Error) -> Null";

    // ---- values
    /// The same data as the other type, element by element: `list[Int]` as `list[Json]` or `Json`.
    CONVERT = "rt.convert[T, U](T) -> U";
    /// The value, with its parts as the other type wants them, or null if it has others: a
    /// `list[Any]` of Ints as `list[Int]?`.
    FIT = "rt.fit[T, U](T) -> U";
    /// As `rt.fit`, but it fails with kind Cast.
    FIT_OR_FAIL = "rt.fit_or_fail[T, U](T) -> U";
    /// Appends all elements.
    LIST_EXTEND = "rt.list_extend[T](mut list[T], list[T]) -> Null";
    /// Whether an element is equal.
    LIST_CONTAINS = "rt.list_contains[T](list[T], T) -> Bool";
    /// `xs[lo..hi]`, or `xs[lo..=hi]` when the flag is true; `..=-1` is "to the end", also of an
    /// empty list. Fails with kind Index.
    LIST_SLICE = "rt.list_slice[T](list[T], Int, Int, Bool) -> list[T]";
    /// Number of characters.
    STR_LEN = "rt.str_len(String) -> Int";
    /// The character at an index (negative: from the end). Fails with kind Index.
    STR_GET = "rt.str_get(String, Int) -> String";
    /// As `rt.list_slice`, by characters.
    STR_SLICE = "rt.str_slice(String, Int, Int, Bool) -> String";
    /// Whether the second is part of the first.
    STR_CONTAINS = "rt.str_contains(String, String) -> Bool";
    /// Some hundred characters from an offset in bytes on, which becomes that of the next one; at
    /// the end none, and the offset becomes -1.
    STR_CHARS = "rt.str_chars(mut Int, String) -> list[String]";
    /// `s ++= t` where `s` is deep in a place.
    STR_APPEND = "rt.str_append(mut String, String) -> Null";
    /// Number of bytes.
    BYTES_LEN = "rt.bytes_len(Bytes) -> Int";
    /// The byte at an index (negative: from the end). Fails with kind Index.
    BYTES_GET = "rt.bytes_get(Bytes, Int) -> Int";
    /// As `rt.list_slice`.
    BYTES_SLICE = "rt.bytes_slice(Bytes, Int, Int, Bool) -> Bytes";
    /// Appends bytes.
    BYTES_APPEND = "rt.bytes_append(mut Bytes, Bytes) -> Null";
    /// An empty map.
    MAP_NEW = "rt.map_new[K, V]() -> map[K, V]";
    /// The first position with an entry at or after the given one, -1 when there is none.
    /// Positions follow insertion order and start at 0.
    MAP_NEXT = "rt.map_next[K, V](map[K, V], Int) -> Int";
    /// The key at a position that `rt.map_next` gave.
    MAP_KEY_AT = "rt.map_key_at[K, V](map[K, V], Int) -> K";
    /// The value there.
    MAP_VALUE_AT = "rt.map_value_at[K, V](map[K, V], Int) -> V";
    /// An empty set.
    SET_NEW = "rt.set_new[T]() -> set[T]";
    /// Adds an element.
    SET_ADD = "rt.set_add[T](mut set[T], T) -> Null";
    /// Whether it is an element.
    SET_CONTAINS = "rt.set_contains[T](set[T], T) -> Bool";
    /// As `rt.map_next`.
    SET_NEXT = "rt.set_next[T](set[T], Int) -> Int";
    /// The element at a position that `rt.set_next` gave.
    SET_AT = "rt.set_at[T](set[T], Int) -> T";
    /// How many values `lo..hi step s` has (`..=` when the flag is true). Fails with kind Argument
    /// on step 0.
    RANGE_COUNT = "rt.range_count(Int, Int, Int, Bool) -> Int";
    /// An Int by a format specifier: `[[fill]align][+][#][0][width][,|_][.precision][type]`.
    FORMAT_INT = "fmt.int(Int, String) -> String";
    /// A Float by a format specifier.
    FORMAT_FLOAT = "fmt.float(Float, String) -> String";
    /// A text by a format specifier.
    FORMAT_STRING = "fmt.string(String, String) -> String";

    // ---- tasks
    /// Starts a fiber on an executor; the mode is that of `spawn`.
    SPAWN_ON = "rt.spawn_on[T](Executor, fn() -> T, Int) -> Future[T]";
    /// Waits until all are done; raises nothing of theirs.
    AWAIT_SETTLE = "rt.await_settle[T](list[Future[T]]) -> Null";
    /// The next message of a channel or receiver; waits; null once closed and drained.
    CHANNEL_NEXT = "rt.channel_next[C, T](C) -> T?";

    // ---- groups
    /// A group: strategy (0 all, 1 first, 2 any, 3 settled, 4 vote), policy (0 default,
    /// 1 fail_fast, 2 continue, 3 ignore, 4 as default, but `timeout` ends it without failure),
    /// count (1 unless given), max (0: no limit), timeout in ms (-1: none), quorum (0: none).
    GROUP_NEW = "rt.group_new(Int, Int, Int, Int, Int, Int) -> Group";
    /// Branches added from now on run on this executor.
    GROUP_ON = "rt.group_on(Group, Executor) -> Null";
    /// Adds a branch: starts it, or keeps it until `max` allows.
    GROUP_SPAWN = "rt.group_spawn[T](Group, fn() -> T) -> Null";
    /// Adds a future that others started: it is waited for, and never cancelled.
    GROUP_ADOPT = "rt.group_adopt[T](Group, Future[T]) -> Null";
    /// No branch comes any more: waits for the outcome, cancels what it no longer needs, waits
    /// until that has unwound, and raises what the policy says.
    GROUP_JOIN = "rt.group_join(Group) -> Null";
    /// After the join: how many results the block has (all: branches; ignore: successes; first,
    /// vote: 1, or 0 when there is none; any: `count`, or what there is). With policy continue an
    /// impossible `any` has one, numbered -1: the summary failure.
    GROUP_COUNT = "rt.group_count(Group) -> Int";
    /// The branch whose result is the n-th: in source order, for `any` in completion order.
    GROUP_ORDER = "rt.group_order(Group, Int) -> Int";
    /// How a branch ended: 0 value, 1 failure, 2 neither (cancelled, lost, never started).
    GROUP_STATUS = "rt.group_status(Group, Int) -> Int";
    /// The value of a branch with status 0.
    GROUP_VALUE = "rt.group_value[T](Group, Int) -> T";
    /// The failure of a branch with status 1 (of branch -1: the summary); of one with status 2 a
    /// failure of kind Cancelled.
    GROUP_ERROR = "rt.group_error(Group, Int) -> Error";
    /// Cancels the branches that the group started and waits until they have unwound; never fails.
    GROUP_CLOSE = "rt.group_close(Group) -> Null";

    // ---- select
    /// A select: whether it is fair, whether it has `else`.
    SELECT_NEW = "rt.select_new(Bool, Bool) -> Select";
    /// Adds `ch.receive()`.
    SELECT_RECEIVE = "rt.select_receive[C](Select, C) -> Null";
    /// Adds `ch.next()`; its value is `T?`.
    SELECT_NEXT = "rt.select_next[C](Select, C) -> Null";
    /// Adds `ch.send(v)`; its value is a Bool.
    SELECT_SEND = "rt.select_send[C, T](Select, C, T) -> Null";
    /// Adds `await f`.
    SELECT_AWAIT = "rt.select_await[T](Select, Future[T]) -> Null";
    /// Adds `sleep(ms)`; its value is true.
    SELECT_SLEEP = "rt.select_sleep(Select, Int) -> Null";
    /// Adds a call on a fiber of its own, cancelled when it loses.
    SELECT_RUN = "rt.select_run[T](Select, fn() -> T) -> Null";
    /// Adds the waiting operation of another handle: its name (`lock`, `acquire`, `wait` …), then a
    /// tuple of the handle and the other arguments.
    SELECT_HANDLE = "rt.select_handle[A](Select, String, A) -> Null";
    /// Waits until one operation has taken effect; gives its number, -1 for `else`. Raises what the
    /// operation raises.
    SELECT_WAIT = "rt.select_wait(Select) -> Int";
    /// The value of the operation that took effect.
    SELECT_VALUE = "rt.select_value[T](Select) -> T";
    /// A select of a receive and a sleep alone: the channel, the milliseconds, and a sum: 1 if the
    /// sleep is written first, 2 for `next`. Waits until one has taken effect; gives its number.
    RECEIVE_WITHIN = "rt.receive_within[C](C, Int, Int) -> Int";
    /// The message that it received.
    RECEIVED = "rt.received[T]() -> T";
    /// Gives up: takes back what waits, cancels what it started and waits for it; never fails.
    SELECT_CLOSE = "rt.select_close(Select) -> Null";

    // ---- scopes
    /// Enters a scope: what this fiber starts now belongs to it. Timeout in ms, -1 for none.
    SCOPE_ENTER = "rt.scope_enter(Int) -> Scope";
    /// The same, on an executor.
    SCOPE_ENTER_ON = "rt.scope_enter_on(Int, Executor) -> Scope";
    /// Leaves it: waits until everything in it has ended; raises a failure that nobody caught.
    SCOPE_EXIT = "rt.scope_exit(Scope) -> Null";
    /// Leaves it because its body failed or is cancelled: cancels everything in it and waits until
    /// it has unwound. Gives the failure to go on with: that of the body, or that of a task inside
    /// which the body was stopped for. Only waits when the scope has not ended; never fails.
    SCOPE_ABORT = "rt.scope_abort(Scope, Error) -> Error";

    // ---- tools
    /// Calls a tool by its number in the module, with its arguments and the message list: role,
    /// text, role, text …
    TOOL_CALL = "rt.tool_call(Int, map[String, Json], list[String]) -> Json";
}

#[cfg(test)]
mod tests {
    use super::RUNTIME_NATIVES;

    #[test]
    fn keys_are_distinct_and_documented() {
        for (i, native) in RUNTIME_NATIVES.iter().enumerate() {
            assert!(!native.doc.is_empty(), "{}", native.key);
            assert!(native.key.contains(") -> "), "{}", native.key);
            assert!(RUNTIME_NATIVES[..i].iter().all(|n| n.key != native.key));
        }
    }
}
